//! Server-sent events: bytes in, cut anywhere, events out. The rules are the WHATWG's (HTML Standard, 9.2.6), but a
//! line of bare JSON counts as data, the blank line between two events may be missing, and a string may have a line end
//! in it.

use crate::api::json::is_json;

/// One event of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event<'a> {
    /// Empty where the event has no name.
    pub name: &'a [u8],
    /// The values of its `data` lines, joined by line feeds.
    pub data: &'a [u8],
}

/// The names that begin the lines of a stream.
const FIELDS: [&[u8]; 5] = [b":", b"data:", b"event:", b"id:", b"retry:"];
/// How much of a stray line is worth telling, in bytes.
const LONGEST_STRAY: usize = 500;

/// An event is larger than the decoder's limit.
#[derive(Debug, PartialEq, Eq)]
pub struct TooLong;

/// Turns the bytes of a stream into events. It holds what was fed and not read yet, and one event.
#[derive(Debug, Default)]
pub struct Decoder {
    input: Vec<u8>,
    /// How much of the input is done with, and how much of the rest is known to have no line end, in bytes.
    used: usize,
    searched: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    /// A check found these data incomplete. They are not checked again, because that would take quadratic time.
    is_open: bool,
    /// The first line that is no part of a stream, up to [`LONGEST_STRAY`].
    stray: Vec<u8>,
    /// The event was handed out.
    done: bool,
    /// The last line ended with CR, so an LF right after it belongs to that end.
    after_cr: bool,
    limit: usize,
}

impl Decoder {
    /// Returns a decoder for events of up to `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// Takes the next bytes of the stream. Its events are read with [`Decoder::next_event`].
    pub fn feed(&mut self, bytes: &[u8]) {
        self.input.drain(..self.used);
        self.used = 0;
        self.input.extend_from_slice(bytes);
    }

    /// The stream is over: a last event that lacks its blank line counts, because servers end like that.
    pub fn finish(&mut self) {
        self.feed(b"\n\n");
    }

    /// Returns the next complete event, or `None` where more bytes are needed.
    pub fn next_event(&mut self) -> Result<Option<Event<'_>>, TooLong> {
        if std::mem::take(&mut self.done) {
            self.name.clear();
            self.data.clear();
            self.is_open = false;
        }
        while let Some((start, end)) = self.next_line() {
            if start == end {
                if std::mem::take(&mut self.has_data) {
                    self.done = true;
                    return Ok(Some(Event { name: &self.name, data: &self.data }));
                }
                self.name.clear();
                continue;
            }
            if self.begins_next(start, end) {
                // it is read again as the first line of its event
                self.used = start;
                (self.after_cr, self.has_data, self.done) = (false, false, true);
                return Ok(Some(Event { name: &self.name, data: &self.data }));
            }
            self.take_field(start, end);
            if self.data.len() > self.limit {
                return Err(TooLong);
            }
        }
        let open = self.input.len() - self.used;
        if open + self.data.len() > self.limit { Err(TooLong) } else { Ok(None) }
    }

    /// Where the next complete line stands in the input.
    fn next_line(&mut self) -> Option<(usize, usize)> {
        if self.after_cr && self.used < self.input.len() {
            self.after_cr = false;
            self.used += usize::from(self.input[self.used] == b'\n');
        }
        let from = self.used + std::mem::take(&mut self.searched);
        let Some(length) = memchr::memchr2(b'\n', b'\r', self.input.get(from..)?) else {
            self.searched = self.input.len() - self.used;
            return None;
        };
        let (start, end) = (self.used, from + length);
        self.used = end + 1;
        self.after_cr = self.input[end] == b'\r';
        Some((start, end))
    }

    /// Returns the first line that is no part of a stream: what else came instead of one.
    pub fn stray(&self) -> &[u8] {
        &self.stray
    }

    /// Whether this line begins the next event, because no blank line ended the last one: it is a name, or JSON after
    /// complete JSON.
    fn begins_next(&mut self, start: usize, end: usize) -> bool {
        let line = &self.input[start..end];
        let value = line.strip_prefix(b"data:").unwrap_or(line).trim_ascii_start();
        let begins = [&b"event:"[..], b"{", b"[DONE]"].iter().any(|first| value.starts_with(first));
        if !begins || !self.has_data || self.is_open || !is_closed(&self.data) {
            return false;
        }
        let is_whole = std::str::from_utf8(&self.data).is_ok_and(is_json);
        self.is_open = !is_whole;
        is_whole
    }

    fn take_field(&mut self, start: usize, end: usize) {
        let line = &self.input[start..end];
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
            // comments and times
            b"" | b"id" | b"retry" => {}
            // a string with a line end in it
            _ if self.data.starts_with(b"{") && !is_closed(&self.data) => {
                self.data.push(b'\n');
                self.data.extend_from_slice(line);
            }
            // not a field, but some servers put an error into the stream like this
            _ if line.starts_with(b"{") => {
                self.has_data = true;
                self.data.extend_from_slice(line);
            }
            _ if self.stray.is_empty() && line.iter().any(u8::is_ascii_alphabetic) => {
                self.stray.extend_from_slice(&line[..line.len().min(LONGEST_STRAY)]);
            }
            _ => {}
        }
    }
}

/// Whether a body with this start is a stream; `None` while the start may be a part of a field's name.
pub fn is_stream(start: &[u8]) -> Option<bool> {
    if FIELDS.iter().any(|field| start.starts_with(field)) {
        return Some(true);
    }
    let is_open = FIELDS.iter().any(|field| field.starts_with(start));
    (!is_open).then_some(false)
}

/// Whether the data may be a complete JSON object.
fn is_closed(data: &[u8]) -> bool {
    data.starts_with(b"{") && data.trim_ascii_end().ends_with(b"}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    type Events = Vec<(String, String)>;

    fn decode<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Events {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut events = Vec::new();
        let mut decoder = Decoder::new(1 << 20);
        let mut read = |decoder: &mut Decoder| {
            while let Some(event) = decoder.next_event().expect("small events") {
                events.push((text(event.name), text(event.data)));
            }
        };
        for piece in pieces {
            decoder.feed(piece);
            read(&mut decoder);
        }
        decoder.finish();
        read(&mut decoder);
        events
    }

    fn events(all: &[(&str, &str)]) -> Events {
        all.iter().map(|(name, data)| ((*name).into(), (*data).into())).collect()
    }

    fn decoded(stream: &str) -> Events {
        decode([stream.as_bytes()])
    }

    #[test]
    fn reads_the_documented_and_the_upstream_form() {
        assert_eq!(decoded("data: {}\n\ndata: [DONE]\n\n"), events(&[("", "{}"), ("", "[DONE]")]));
        assert_eq!(decoded("event: ping\ndata: {}\n\n"), events(&[("ping", "{}")]));
    }

    #[test]
    fn takes_every_line_end() {
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: a\ndata: 1\ndata: 2\n\ndata:3\n\n".replace('\n', end);
            assert_eq!(decoded(&stream), events(&[("a", "1\n2"), ("", "3")]), "{end:?}");
        }
    }

    #[test]
    fn skips_comments_ids_and_unknown_fields() {
        let stream = ": keep-alive\n\nid: 7\nretry: 10\nnonsense\ndata: 1\n\n";
        assert_eq!(decoded(stream), events(&[("", "1")]));
    }

    #[test]
    fn the_blank_line_between_events_may_be_missing() {
        let all = events(&[("a", "{}"), ("", "{ }"), ("b", "{\"c\":1}"), ("", "[DONE]")]);
        for end in ["\n", "\r", "\r\n"] {
            let stream = "event: a\ndata: {}\ndata:{ }\nevent: b\ndata: {\"c\":1}\ndata: [DONE]\n";
            assert_eq!(decoded(&stream.replace('\n', end)), all, "{end:?}");
        }
        assert_eq!(decoded("data: {\"a\":\ndata: {}}\n\n"), events(&[("", "{\"a\":\n{}}")]));
        assert_eq!(decoded("data: x\nevent: a\n\n"), events(&[("a", "x")]));
    }

    #[test]
    fn a_string_may_have_a_line_end_in_it() {
        assert_eq!(
            decoded("data: {\"a\":\"b\nc\"}\nnonsense\n\n"),
            events(&[("", "{\"a\":\"b\nc\"}")])
        );
    }

    #[test]
    fn an_event_without_data_is_forgotten_with_its_name() {
        assert_eq!(decoded("event: a\n\ndata: 1\n\n"), events(&[("", "1")]));
    }

    #[test]
    fn drops_one_blank_after_the_colon_and_keeps_empty_data() {
        assert_eq!(decoded("data:  x \n\ndata\n\n"), events(&[("", " x "), ("", "")]));
    }

    #[test]
    fn a_last_event_needs_no_blank_line() {
        assert_eq!(decoded("data: 1\n\ndata: 2"), events(&[("", "1"), ("", "2")]));
    }

    #[test]
    fn an_event_over_the_limit_is_refused() {
        let fed = |stream: &[u8]| {
            let mut decoder = Decoder::new(8);
            decoder.feed(stream);
            while decoder.next_event()?.is_some() {}
            Ok(())
        };
        assert_eq!(fed(b"data: 123456789"), Err(TooLong));
        assert_eq!(fed(b"data: 12345\ndata: 12345\n"), Err(TooLong));
        assert_eq!(fed(b"data: 1\n\ndata: 2\n\ndata: 3\n\n"), Ok(()));
        // with and without the end of the line and of the event
        for (end, longest) in
            [("", "data: 12"), ("\n", "data: 12345678"), ("\n\n", "data: 12345678")]
        {
            assert_eq!(fed(format!("{longest}{end}").as_bytes()), Ok(()));
            assert_eq!(fed(format!("{longest}9{end}").as_bytes()), Err(TooLong));
        }
    }

    proptest! {
        #[test]
        fn any_cut_of_the_bytes_gives_the_same_events(
            lines in proptest::collection::vec(
                prop_oneof!["data: ?[a-zé\u{1F600}]{0,4}", "data: \\{[ \"]{0,2}\\}?", "event: [a-z]{0,3}", ": c", ""], 0..12),
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
