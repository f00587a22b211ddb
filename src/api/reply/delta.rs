//! Text deltas, of which a long answer consists, and the fast path for them.

use std::borrow::Cow;

use serde::Deserialize;

/// How a text delta begins, and how it goes on after its index: as the upstream API writes it, and as AnyRouter's
/// reference does, with a blank after each colon and comma.
const TEXT_DELTAS: [(&str, &str); 2] = [
    (r#"{"type":"content_block_delta","index":"#, r#","delta":{"type":"text_delta","text":"#),
    (
        r#"{"type": "content_block_delta", "index": "#,
        r#", "delta": {"type": "text_delta", "text": "#,
    ),
];

/// Whether a delta of this type is text; some servers leave the type out, or write the block's.
pub fn is_text(kind: Option<&str>) -> bool {
    matches!(kind, Some("text_delta" | "text") | None)
}

/// The type of the block that a delta of this type belongs to. Some servers send no `content_block_start`.
pub fn block_type(kind: Option<&str>) -> &'static str {
    match kind {
        Some("thinking_delta" | "signature_delta") => "thinking",
        Some("input_json_delta") => "tool_use",
        _ => "text",
    }
}

/// Text that is borrowed where it has no escapes; serde makes a copy for a `Cow` alone.
#[derive(Deserialize)]
struct BorrowedText<'a>(#[serde(borrow)] Cow<'a, str>);

/// Returns the text of a text delta in one of the usual forms, with an index of one digit. Almost every event of a
/// long answer is one, and this takes a tenth of the time that `Fields` take; a struct that serde reads takes twice as
/// long as this. Any other form is `None`, and read as `Fields`.
pub fn text_delta(json: &str) -> Option<Cow<'_, str>> {
    let literal = TEXT_DELTAS.iter().find_map(|(start, middle)| {
        let rest = json.strip_prefix(start)?.strip_prefix(|index: char| index.is_ascii_digit())?;
        rest.strip_prefix(middle)?.strip_suffix("}}")
    });
    let BorrowedText(text) = serde_json::from_str(literal?).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::json::Fields;
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
