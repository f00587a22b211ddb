//! What a server says about an error: its type and its words, wherever its JSON or its page has them.

use std::time::SystemTime;

use serde_json::Value;

use crate::api::json::repair;
use crate::api::limits::instant;
use crate::error::Kind;

/// The fields that hold an error's words, or an object that does, in the order in which they are looked for.
const MESSAGE_FIELDS: [&str; 10] = [
    "message",
    "msg",
    "detail",
    "error_msg",
    "error_description",
    "errors",
    "fault",
    "faultstring",
    "reason",
    "title",
];
/// How deep an error's words may stand in objects and lists.
const DEEPEST: usize = 5;

/// The body of an error answer, or an `error` event.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct ErrorBody {
    /// The API's name for the error, such as `rate_limit_error`; empty if it has none.
    pub kind: String,
    /// The server's words on one line; empty if there are none.
    pub message: String,
    /// The HTTP status that it passes on from the server behind it.
    pub status: Option<u16>,
    pub request_id: Option<String>,
    /// When the limit is lifted that it speaks of.
    pub reset: Option<SystemTime>,
}

impl ErrorBody {
    /// Reads JSON of any form, an HTML page, or text: of those, the first line that has words.
    pub fn read(body: &[u8]) -> Self {
        let text = repair(body);
        match serde_json::from_str(&text) {
            Ok(value) => Self::of(&value),
            Err(_) => Self { message: first_line(&text), ..Self::default() },
        }
    }

    fn of(value: &Value) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
        let inner = error.get("error").filter(|error| error.is_object()).unwrap_or(error);
        // new-api gives every error its own type, and tells by the code what it is
        let is_told = |name: &&str| !matches!(*name, "" | "error" | "new_api_error");
        let name = |object: &Value| {
            let mut names = ["type", "code"].iter().filter_map(|key| object[*key].as_str());
            names.find(is_told).map(String::from)
        };
        let kind = name(inner).or_else(|| name(error)).or_else(|| name(value)).unwrap_or_default();
        let message = words(value, 0).unwrap_or_default();
        let cause = [&value["details"], &error["metadata"]["raw"]];
        let cause =
            cause.into_iter().find_map(|cause| Some(Self::read(cause.as_str()?.as_bytes())));
        let message = match &cause {
            Some(cause) if !cause.message.is_empty() => format!("{message}: {}", cause.message),
            _ => message,
        };
        // new-api puts the id at the end of the words
        let (message, id) = match message.rsplit_once("(request id: ") {
            Some((words, id)) => (words.trim_end(), Some(id.trim_end_matches(')'))),
            None => (&*message, None),
        };
        let number = |value: &Value| value.as_u64().and_then(|number| u16::try_from(number).ok());
        Self {
            kind: to_line(
                &cause.map(|cause| cause.kind).filter(|kind| !kind.is_empty()).unwrap_or(kind),
            ),
            message: to_line(message),
            status: number(&value["status"]).filter(|status| (400..600).contains(status)),
            request_id: id.or(value["request_id"].as_str()).map(to_line),
            reset: instant(&text_of(&value["resetAt"])),
        }
    }

    /// Returns the kind of failure that the error's type or the status in it stands for; else it is the server's
    /// failure.
    pub fn failure_kind(&self) -> Kind {
        match self.kind.as_str() {
            "authentication_error" => Kind::KeyRejected,
            "permission_error" | "billing_error" => Kind::NotPermitted,
            "rate_limit_error" => Kind::RateLimited,
            "invalid_request_error" | "not_found_error" | "request_too_large" => Kind::Refused,
            _ => self.status.map_or(Kind::ServerFailed, status_kind),
        }
    }
}

/// Whether the value of an `error` field says what went wrong: it has a word, or a number that is an HTTP status.
pub fn has_words(json: &str) -> bool {
    fn has(value: &Value) -> bool {
        match value {
            Value::String(text) => !text.trim().is_empty(),
            Value::Number(number) => number.as_u64().is_some_and(|n| (400..600).contains(&n)),
            Value::Array(values) => values.iter().any(has),
            Value::Object(fields) => fields.values().any(has),
            Value::Null | Value::Bool(_) => false,
        }
    }
    serde_json::from_str(json).is_ok_and(|value| has(&value))
}

/// A string or a number as text.
fn text_of(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), String::from)
}

/// Returns the kind of failure that an HTTP status stands for.
pub fn status_kind(status: u16) -> Kind {
    match status {
        401 => Kind::KeyRejected,
        402 | 403 => Kind::NotPermitted,
        429 => Kind::RateLimited,
        300..=499 => Kind::Refused,
        _ => Kind::ServerFailed,
    }
}

/// The words of an error: a string, or those of the first field or list element that has some.
fn words(value: &Value, depth: usize) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
        Value::Number(number) if depth > 0 => Some(number.to_string()),
        Value::Array(list) => list.iter().find_map(|element| words(element, depth + 1)),
        Value::Object(_) if depth < DEEPEST => {
            let field = |key: &str| words(value.get(key)?, depth + 1);
            let message = MESSAGE_FIELDS.iter().find_map(|key| field(key));
            match (field("error"), message) {
                // some servers say the half of it in each
                (Some(error), Some(message)) if value["error"].is_string() && error != message => {
                    Some(format!("{error}: {message}"))
                }
                (Some(error), _) => Some(error),
                (None, message) => Some(located(value, message?)),
            }
        }
        _ => None,
    }
}

/// The message of a validator with the field that it is about: `{"loc":["body","model"],"msg":"field required"}`.
fn located(value: &Value, message: String) -> String {
    let Some(Value::Array(path)) = value.get("loc") else { return message };
    let names: Vec<_> = path.iter().map(text_of).collect();
    format!("{}: {message}", names.join("."))
}

/// The first line that has words in it; of an HTML page, its title, else the first words that it shows.
fn first_line(page: &str) -> String {
    if !page.trim_start().starts_with('<') {
        return to_line(page.lines().find(|line| !line.trim().is_empty()).unwrap_or_default());
    }
    let mut words = Vec::new();
    let mut tag = "";
    for part in page.split('<') {
        let (name, text) = part.split_once('>').unwrap_or((part, ""));
        tag = name.split_whitespace().next().unwrap_or(tag);
        if tag.eq_ignore_ascii_case("title") && !text.trim().is_empty() {
            return to_line(text);
        }
        let is_shown = !["script", "style"].iter().any(|hidden| tag.eq_ignore_ascii_case(hidden));
        words.extend(Some(text).filter(|text| is_shown && !text.trim().is_empty()));
    }
    to_line(words.first().unwrap_or(&""))
}

/// The text on one line, without a full stop at its end.
fn to_line(text: &str) -> String {
    let mut line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.ends_with('.') && !line.ends_with("..") {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_words_in_every_form_in_use() {
        for (body, kind, message) in [
            (
                r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#,
                "rate_limit_error",
                "slow down",
            ),
            (r#"{"error":{"type":"api_error","message":"oops."}}"#, "api_error", "oops"),
            (r#"{"error":{"message":"no","type":null,"code":401,"param":null}}"#, "", "no"),
            (r#"{"error":{"message":"no","code":"model_not_found"}}"#, "model_not_found", "no"),
            (r#"{"detail":"Not Found"}"#, "", "Not Found"),
            (
                r#"{"detail":[{"loc":["body","model"],"msg":"field required"}]}"#,
                "",
                "body.model: field required",
            ),
            (r#"{"error":"plain"}"#, "", "plain"),
            (
                r#"{"error":"Client not allowed","message":"Your client is old"}"#,
                "",
                "Client not allowed: Your client is old",
            ),
            (r#"{"code":500,"message":"m","type":"server_error"}"#, "server_error", "m"),
            (r#"[{"error":{"code":400,"message":"in a list"}}]"#, "", "in a list"),
            (r#"{"errors":[{"message":"first"},{"message":"second"}]}"#, "", "first"),
            (r#"{"code":1001,"msg":"bad"}"#, "", "bad"),
            (r#"{"error":{"error":{"message":"deep","type":"t"}}}"#, "t", "deep"),
            (r#"{"error_msg":"m"}"#, "", "m"),
            (r#"{"title":"t","status":400}"#, "", "t"),
            (r#"{"fault":{"faultstring":"f"}}"#, "", "f"),
            ("upstream\n is  down", "", "upstream"),
            ("<html><head>\n<title>502 Bad Gateway</title>", "", "502 Bad Gateway"),
            (
                "<html><style>p { x: y }</style><TITLE lang=en>Just a moment...</TITLE>",
                "",
                "Just a moment...",
            ),
            ("<!DOCTYPE html><script>var a = 1</script><p>Sorry, closed", "", "Sorry, closed"),
            ("", "", ""),
        ] {
            let read = ErrorBody::read(body.as_bytes());
            assert_eq!((&*read.kind, &*read.message), (kind, message), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_body_gives_one_line(body in proptest::collection::vec(any::<u8>(), 0..600)) {
            prop_assert!(!ErrorBody::read(&body).message.contains('\n'));
        }
    }
}
