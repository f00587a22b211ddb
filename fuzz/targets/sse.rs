//! Wherever the bytes of a stream are cut, the events are the same.
#![no_main]

use std::ops::ControlFlow;

use anyask_fuzz::api::sse::Decoder;
use libfuzzer_sys::fuzz_target;

fn decode(pieces: &[&[u8]]) -> Option<Vec<(Vec<u8>, Vec<u8>)>> {
    let mut events = Vec::new();
    let mut on = |name: &[u8], data: &[u8]| -> ControlFlow<()> {
        events.push((name.to_vec(), data.to_vec()));
        ControlFlow::Continue(())
    };
    let mut decoder = Decoder::new(1 << 16);
    for piece in pieces {
        let _ = decoder.feed(piece, &mut on).ok()?;
    }
    let _ = decoder.finish(&mut on);
    Some(events)
}

fuzz_target!(|input: &[u8]| {
    let Some((cut, stream)) = input.split_first() else { return };
    let (first, rest) = stream.split_at(usize::from(*cut).min(stream.len()));
    let whole = decode(&[stream]);
    assert_eq!(decode(&[first, rest]), whole);
    let bytes: Vec<&[u8]> = stream.chunks(1).collect();
    assert_eq!(decode(&bytes), whole);
});
