//! Server-sent events: bytes in, cut anywhere, events out. Knows nothing of HTTP or JSON.
//! The rules are the WHATWG's (HTML Standard, 9.2.6), with one difference: a last event
//! without its blank line counts, because servers end their streams like that.

use std::ops::ControlFlow;

/// An event that grew past the decoder's limit.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Turns the bytes of a stream into events. Holds at most one event.
#[derive(Debug)]
pub struct Decoder {
    /// The start of a line whose end has not come yet.
    line: Vec<u8>,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A CR ended the last line, so an LF right after it belongs to that end.
    after_cr: bool,
    at_start: bool,
    limit: usize,
}

impl Decoder {
    /// A decoder that takes events of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self {
            line: Vec::new(),
            name: Vec::new(),
            data: Vec::new(),
            has_data: false,
            after_cr: false,
            at_start: true,
            limit,
        }
    }

    /// Takes the next bytes and calls `on(name, data)` for each event that they complete.
    /// The name is empty where the event has none. A `Break` ends the work at once.
    pub fn feed<B>(
        &mut self,
        mut bytes: &[u8],
        on: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> Result<ControlFlow<B>, TooLong> {
        while !bytes.is_empty() {
            if std::mem::take(&mut self.after_cr) && bytes[0] == b'\n' {
                bytes = &bytes[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', bytes) else {
                self.line.extend_from_slice(bytes);
                break;
            };
            self.after_cr = bytes[end] == b'\r';
            let flow = if self.line.is_empty() {
                self.line_ended(&bytes[..end], on)
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&bytes[..end]);
                let flow = self.line_ended(&line, on);
                line.clear();
                self.line = line;
                flow
            };
            if flow.is_break() {
                return Ok(flow);
            }
            if self.data.len() > self.limit {
                return Err(TooLong);
            }
            bytes = &bytes[end + 1..];
        }
        if self.line.len() + self.data.len() > self.limit {
            return Err(TooLong);
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The stream is over: hands out a last event that lacks its blank line.
    pub fn finish<B>(
        &mut self,
        on: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        let line = std::mem::take(&mut self.line);
        if !line.is_empty() {
            self.line_ended(&line, on)?;
        }
        self.line_ended(b"", on)
    }

    fn line_ended<B>(
        &mut self,
        mut line: &[u8],
        on: &mut impl FnMut(&[u8], &[u8]) -> ControlFlow<B>,
    ) -> ControlFlow<B> {
        if std::mem::take(&mut self.at_start) {
            line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
        }
        if line.is_empty() {
            let flow = if std::mem::take(&mut self.has_data) {
                on(&self.name, &self.data)
            } else {
                ControlFlow::Continue(())
            };
            self.name.clear();
            self.data.clear();
            return flow;
        }
        let colon = memchr::memchr(b':', line).unwrap_or(line.len());
        let value = line.get(colon + 1..).unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match &line[..colon] {
            b"data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.data.push(b'\n');
                }
                self.data.extend_from_slice(value);
            }
            b"event" => {
                self.name.clear();
                self.name.extend_from_slice(value);
            }
            // comments, ids, retry times and unknown fields
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Events = Vec<(String, String)>;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
        let mut events = Vec::new();
        let mut on = |name: &[u8], data: &[u8]| -> ControlFlow<()> {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            events.push((text(name), text(data)));
            ControlFlow::Continue(())
        };
        let mut decoder = Decoder::new(1 << 20);
        for piece in pieces {
            assert!(
                decoder
                    .feed(piece, &mut on)
                    .is_ok_and(|flow| flow.is_continue())
            );
        }
        assert!(decoder.finish(&mut on).is_continue());
        events
    }

    fn events(all: &[(&str, &str)]) -> Events {
        all.iter()
            .map(|(name, data)| ((*name).into(), (*data).into()))
            .collect()
    }

    fn decoded(stream: &str) -> Events {
        decode([stream.as_bytes()])
    }

    #[test]
    fn reads_the_documented_and_the_upstream_form() {
        assert_eq!(
            decoded("data: {}\n\ndata: [DONE]\n\n"),
            events(&[("", "{}"), ("", "[DONE]")])
        );
        assert_eq!(
            decoded("event: ping\ndata: {}\n\n"),
            events(&[("ping", "{}")])
        );
    }

    #[test]
    fn takes_every_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: a\ndata: 1\ndata: 2\n\ndata:3\n\n".replace('\n', end);
            assert_eq!(
                decoded(&stream),
                events(&[("a", "1\n2"), ("", "3")]),
                "{end:?}"
            );
        }
    }

    #[test]
    fn skips_comments_ids_unknown_fields_and_a_byte_order_mark() {
        let stream = "\u{feff}: keep-alive\n\nid: 7\nretry: 10\nnonsense\ndata: 1\n\n";
        assert_eq!(decoded(stream), events(&[("", "1")]));
    }

    #[test]
    fn an_event_without_data_is_none_and_its_name_is_forgotten() {
        assert_eq!(decoded("event: a\n\ndata: 1\n\n"), events(&[("", "1")]));
    }

    #[test]
    fn strips_one_blank_after_the_colon_and_keeps_empty_data() {
        assert_eq!(
            decoded("data:  x \n\ndata\n\n"),
            events(&[("", " x "), ("", "")])
        );
    }

    #[test]
    fn a_last_event_needs_no_blank_line() {
        assert_eq!(
            decoded("data: 1\n\ndata: 2"),
            events(&[("", "1"), ("", "2")])
        );
    }

    #[test]
    fn refuses_an_event_over_its_limit_with_and_without_line_ends() {
        let mut on = |_: &[u8], _: &[u8]| ControlFlow::<()>::Continue(());
        assert_eq!(
            Decoder::new(8).feed(b"data: 123456789", &mut on),
            Err(TooLong)
        );
        assert_eq!(
            Decoder::new(8).feed(b"data: 12345\ndata: 12345\n", &mut on),
            Err(TooLong)
        );
        assert!(
            Decoder::new(8)
                .feed(b"data: 1\n\ndata: 2\n\ndata: 3\n\n", &mut on)
                .is_ok()
        );
    }

    #[test]
    fn a_break_ends_the_work_at_once() {
        let mut seen = 0;
        let mut on = |_: &[u8], _: &[u8]| {
            seen += 1;
            ControlFlow::Break("enough")
        };
        let flow = Decoder::new(99).feed(b"data: 1\n\ndata: 2\n\n", &mut on);
        assert_eq!(flow, Ok(ControlFlow::Break("enough")));
        assert_eq!(seen, 1);
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_events(
            lines in proptest::collection::vec(
                prop_oneof!["data: ?[a-zé\u{1F600}]{0,4}", "event: [a-z]{0,3}", ": c", "", "\u{feff}"], 0..12),
            ends in proptest::collection::vec(prop_oneof!["\n", "\r", "\r\n"], 12),
            cuts in proptest::collection::vec(0usize..200, 0..8),
        ) {
            let stream: String = lines.iter().zip(&ends).map(|(line, end)| format!("{line}{end}")).collect();
            let bytes = stream.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]);
            prop_assert_eq!(decode(pieces), decode([bytes]));
            prop_assert_eq!(decode(bytes.chunks(1)), decode([bytes]));
        }
    }
}
