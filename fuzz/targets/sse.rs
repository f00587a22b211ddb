//! Wherever the bytes of a stream are cut, the events are the same.
#![no_main]

use anyask::api::reply::sse::{Decoder, TooLong};
use libfuzzer_sys::fuzz_target;

type Events = Vec<(Vec<u8>, Vec<u8>)>;

fn decode(pieces: &[&[u8]]) -> Result<Events, TooLong> {
    let mut events = Vec::new();
    let mut decoder = Decoder::new(1 << 16);
    let mut read = |decoder: &mut Decoder| {
        while let Some(event) = decoder.next_event()? {
            events.push((event.name.to_vec(), event.data.to_vec()));
        }
        Ok(())
    };
    for piece in pieces {
        decoder.feed(piece);
        read(&mut decoder)?;
    }
    decoder.finish();
    read(&mut decoder)?;
    Ok(events)
}

fuzz_target!(|input: &[u8]| {
    let Some((cut, stream)) = input.split_first() else { return };
    let (first, rest) = stream.split_at(usize::from(*cut).min(stream.len()));
    let whole = decode(&[stream]);
    assert_eq!(decode(&[first, rest]), whole);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(decode(&bytes), whole);
});
