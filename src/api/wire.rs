//! What the Messages API sends, as far as it needs types of its own; the rest is read as [`Fields`].

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::json::{Fields, parse};

/// How a text delta begins, and how it goes on after its index: as the upstream API writes it, and as AnyRouter's
/// reference does, with a blank after each colon and comma.
const TEXT_DELTAS: [(&str, &str); 2] = [
    (r#"{"type":"content_block_delta","index":"#, r#","delta":{"type":"text_delta","text":"#),
    (
        r#"{"type": "content_block_delta", "index": "#,
        r#", "delta": {"type": "text_delta", "text": "#,
    ),
];

/// Text that is borrowed where it has no escapes; serde makes a copy for a `Cow` alone.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the text of a text delta in one of the usual forms, with an index of one digit. Almost every event of a
/// long answer is one, and this takes a tenth of the time that [`Fields`] take; a struct that serde reads takes twice as
/// long as this. Any other form is `None`, and read as [`Fields`].
pub fn text_delta(json: &str) -> Option<Cow<'_, str>> {
    let literal = TEXT_DELTAS.iter().find_map(|(start, middle)| {
        let rest = json.strip_prefix(start)?.strip_prefix(|index: char| index.is_ascii_digit())?;
        rest.strip_prefix(middle)?.strip_suffix("}}")
    });
    let Text(text) = serde_json::from_str(literal?).ok()?;
    Some(text)
}

/// Tokens as the server counted them; `None` where it did not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Without those that a cache served or took.
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    #[serde(rename = "cache_read_input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

impl Usage {
    /// Takes in a part of the usage. The counts of a later part include those of the earlier ones (the API's page on
    /// streaming), so the latest value above 0 of each field counts.
    pub(in crate::api) fn take(&mut self, part: &Fields) {
        let fields = [
            (&mut self.input_tokens, "input_tokens"),
            (&mut self.output_tokens, "output_tokens"),
            (&mut self.cache_read, "cache_read_input_tokens"),
            (&mut self.cache_write, "cache_creation_input_tokens"),
        ];
        for (known, name) in fields {
            let count = count(part, name);
            *known = count.filter(|count| *count > 0).or(*known).or(count);
        }
    }

    /// Returns the number of all tokens of the question, cached or not.
    pub fn input(&self) -> Option<u64> {
        let cached = [self.cache_read, self.cache_write].into_iter().flatten();
        cached.chain(self.input_tokens).reduce(u64::saturating_add)
    }

    /// Adds the tokens of another answer.
    pub fn add(&mut self, other: &Self) {
        let sum = |one: &mut Option<u64>, other: Option<u64>| {
            *one = (*one).into_iter().chain(other).reduce(u64::saturating_add);
        };
        sum(&mut self.input_tokens, other.input_tokens);
        sum(&mut self.output_tokens, other.output_tokens);
        sum(&mut self.cache_read, other.cache_read);
        sum(&mut self.cache_write, other.cache_write);
    }

    /// Returns the number of all tokens of question and answer.
    pub fn total(&self) -> u64 {
        self.input().unwrap_or(0).saturating_add(self.output_tokens.unwrap_or(0))
    }
}

/// A number of tokens. Some servers send it as `12.0` or `"12"`.
fn count(fields: &Fields, name: &str) -> Option<u64> {
    let number = fields.read::<f64>(name).or_else(|| fields.read::<String>(name)?.parse().ok())?;
    (0.0..=9e15).contains(&number).then_some(number as u64)
}

/// Calls `on` for each content block of a message. One block is read at a time, so that no number of them costs
/// memory. Anything else than a block is skipped.
pub fn each_block(content: &RawValue, on: impl FnMut(Fields)) {
    struct Blocks<F>(F);
    impl<'de, F: FnMut(Fields)> Visitor<'de> for Blocks<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
            f.write_str("a list of content blocks")
        }

        fn visit_seq<S: SeqAccess<'de>>(mut self, mut blocks: S) -> Result<(), S::Error> {
            while let Some(block) = blocks.next_element::<&RawValue>()? {
                if let Some(block) = parse(block.get()) {
                    (self.0)(block);
                }
            }
            Ok(())
        }
    }
    // what is not a list has no blocks
    let _ = serde_json::Deserializer::from_str(content.get()).deserialize_seq(Blocks(on));
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_deltas_in_the_usual_forms_are_known() {
        let delta = |text: &str| {
            format!(
                r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":{text}}}}}"#
            )
        };
        assert_eq!(text_delta(&delta(r#""plain""#)).as_deref(), Some("plain"));
        assert_eq!(text_delta(&delta(r#""a\nb\\\"\u00e9""#)).as_deref(), Some("a\nb\\\"é"));
        assert_eq!(text_delta(&delta(r#""""#)).as_deref(), Some(""));
        let spaced = delta(r#""plain""#).replace(':', ": ").replace(',', ", ");
        assert_eq!(text_delta(&spaced).as_deref(), Some("plain"));
        for other in [r#""a"#, r#""\ud83d""#, r#""\x""#, "7", r#""a","more":1"#, "\"a\tb\""] {
            assert_eq!(text_delta(&delta(other)), None, "{other}");
        }
        for index in ["", "01", "-1", "1.5", "9999999999"] {
            let json = delta("\"a\"").replace("\"index\":0", &format!("\"index\":{index}"));
            assert_eq!(text_delta(&json), None, "{index}");
        }
    }

    proptest! {
        #[test]
        fn the_usual_form_is_read_as_the_general_one_is(
            text in "(\\PC|[\"\\\\/bfnrtu0-9a-f{},:\t\n]){0,12}",
            raw in any::<bool>(),
            blank in prop_oneof!["", " ", "  "],
            index in prop_oneof!["0", "7", "00", "12", "x", ""],
            end in prop_oneof![Just("}}"), Just("} }"), Just("}"), Just(",\"x\":1}}")],
        ) {
            let text = if raw { format!("\"{text}\"") } else { serde_json::to_string(&text).unwrap() };
            let json = format!(
                "{{\"type\":{blank}\"content_block_delta\",{blank}\"index\":{blank}{index},{blank}\"delta\":{blank}{{\"type\":{blank}\"text_delta\",{blank}\"text\":{blank}{text}{end}"
            );
            if let Some(text) = text_delta(&json) {
                let event: Fields = serde_json::from_str(&json).expect("an event");
                prop_assert_eq!(event.read::<String>("type"), Some("content_block_delta".into()));
                let delta: Fields = event.read("delta").expect("a delta");
                prop_assert_eq!(delta.read::<String>("text"), Some(text.into_owned()));
            }
        }
    }
}
