//! Errors about a field of the request: their hints name the flag that set it.

use crate::api::json::Fields;
use crate::api::request::{Prepared, Request};
use crate::error::{Failure, Kind};

const OTHER_MODEL: &str =
    "use a model of --list-models=server, with --model or with --alias in the configuration file";

/// The hint for an error with these words, if they name a field of the request.
pub fn field_hint(failure: &Failure, words: &str, request: &Prepared) -> Option<String> {
    if !matches!(failure.kind, Kind::Refused | Kind::NotPermitted) {
        return None;
    }
    let words = &*words.to_lowercase();
    let fields: Fields = serde_json::from_slice(&request.body).ok()?;
    let model = fields.read::<String>("model")?.to_lowercase();
    let max_tokens: u32 = fields.read("max_tokens")?;
    let (names_model, names_max_tokens) = (names(words, &model), names(words, "max_tokens"));
    match failure.status {
        Some(402) if names_max_tokens => Some(format!(
            "check the credits; relays reserve credits for --max-tokens {max_tokens}, so a lower one may pass"
        )),
        Some(404) if names_model || words.contains("model") => {
            Some(format!("{OTHER_MODEL}; else check --base-url: the URL was {}", request.url))
        }
        None | Some(400 | 422) if failure.hint.is_none() => {
            match &optional_flags(fields, words)[..] {
                [] if names_max_tokens => {
                    Some(format!("use --max-tokens N; {max_tokens} was sent"))
                }
                [] if names_model || words.contains("invalid model") => Some(OTHER_MODEL.into()),
                [] => None,
                flags => Some(format!("try it without {}", flags.join(" or "))),
            }
        }
        _ => None,
    }
}

/// The flags that set a field which the words name, but only those that can be left out.
fn optional_flags(fields: Fields, words: &str) -> Vec<String> {
    let messages: Vec<Fields> = fields.read("messages").unwrap_or_default();
    let is_prefilled =
        messages.last().and_then(|last| last.read("role")) == Some(String::from("assistant"));
    let names_prefill = ["prefill", "assistant"].iter().any(|word| words.contains(word));
    let flag = |field: String| match &*field {
        "stop_sequences" if words.contains("stop sequence") => Some("--stop".into()),
        "messages" if is_prefilled && names_prefill => Some("--prefill".into()),
        field if !names(words, &field.to_lowercase()) => None,
        "temperature" => Some("--temperature".into()),
        "top_p" => Some("--top-p".into()),
        "stop_sequences" => Some("--stop".into()),
        field if Request::FIELDS.contains(&field) => None,
        field => Some(format!("--set {field}")),
    };
    fields.into_iter().filter_map(|(field, _)| flag(field)).collect()
}

/// Whether this name is among the words, and not a part of another one.
fn names(words: &str, name: &str) -> bool {
    let is_end =
        |next: Option<char>| !next.is_some_and(|char| char.is_ascii_alphanumeric() || char == '_');
    words.match_indices(name).any(|(at, _)| {
        is_end(words[..at].chars().next_back()) && is_end(words[at + name.len()..].chars().next())
    })
}
