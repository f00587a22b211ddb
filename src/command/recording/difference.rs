//! Why a request has no recorded answer: how it differs from the last recorded request.

use serde_json::Value;

/// The longest value that a message quotes, as JSON in bytes.
const LONGEST: usize = 40;

/// The first field of a request that is not the same in the last record, in words.
pub fn difference(request: &Value, last: &Value) -> Option<String> {
    first_difference("", Some(request), Some(last))
}

fn first_difference(path: &str, ours: Option<&Value>, last: Option<&Value>) -> Option<String> {
    match (ours, last) {
        _ if ours == last => None,
        (Some(Value::Object(ours)), Some(Value::Object(last))) => {
            let names = ours.keys().chain(last.keys().filter(|name| !ours.contains_key(*name)));
            let dot = if path.is_empty() { "" } else { "." };
            names
                .map(|name| (format!("{path}{dot}{name}"), ours.get(name), last.get(name)))
                .find_map(|(path, ours, last)| first_difference(&path, ours, last))
        }
        (Some(Value::Array(ours)), Some(Value::Array(last))) => (0..ours.len().max(last.len()))
            .find_map(|index| {
                first_difference(&format!("{path}[{index}]"), ours.get(index), last.get(index))
            }),
        _ => Some(in_words(path, ours, last)),
    }
}

fn in_words(path: &str, ours: Option<&Value>, last: Option<&Value>) -> String {
    let short = |value: &Value| Some(value.to_string()).filter(|json| json.len() <= LONGEST);
    let short_json = |value: Option<&Value>| value.map_or(Some("missing".into()), short);
    match (short_json(ours), short_json(last)) {
        (Some(ours), Some(last)) => format!("{path} is {ours}, but {last} in the last record"),
        _ if last.is_none() => format!("{path} is not in the last record"),
        _ if ours.is_none() => format!("{path} is only in the last record"),
        _ => format!("{path} is not the same in the last record"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_the_first_field_that_differs() {
        let long = "x".repeat(LONGEST);
        for (ours, last, expected) in [
            (json!({"a": [1, {"b": "x"}]}), json!({"a": [1, {"b": "x"}]}), None),
            (
                json!({"model": "m", "max_tokens": 4096, "messages": []}),
                json!({"max_tokens": 9, "model": "m", "messages": [1]}),
                Some("max_tokens is 4096, but 9 in the last record"),
            ),
            (
                json!({"temperature": 0.5}),
                json!({}),
                Some("temperature is 0.5, but missing in the last record"),
            ),
            (json!({}), json!({"t": null}), Some("t is missing, but null in the last record")),
            (json!({"system": long}), json!({}), Some("system is not in the last record")),
            (
                json!({"messages": [1]}),
                json!({"messages": [1, long]}),
                Some("messages[1] is only in the last record"),
            ),
            (
                json!({"messages": [{"content": long}]}),
                json!({"messages": [{"content": "a"}]}),
                Some("messages[0].content is not the same in the last record"),
            ),
            (
                json!({"messages": [{"content": [{"text": "c"}]}]}),
                json!({"messages": [{"content": [{"text": "b"}]}]}),
                Some(r#"messages[0].content[0].text is "c", but "b" in the last record"#),
            ),
        ] {
            assert_eq!(difference(&ours, &last).as_deref(), expected);
        }
    }
}
