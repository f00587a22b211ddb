//! What a server says about an error: its type, its words and its status, wherever its JSON or its page has them.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::words::{first_line, has_facts, says_something, status, text_of, to_line, words};
use crate::api::json::{escape_controls, first_value, repair};
use crate::api::time::{instant, until};
use crate::error::Kind;

/// The fields that have an HTTP status, as a number or as digits.
const STATUS_FIELDS: [&str; 5] = ["status", "status_code", "statusCode", "code", "http_code"];
/// The fields that have a pause in seconds.
const PAUSE_FIELDS: [&str; 4] = ["resets_in_seconds", "reset_seconds", "retry_after", "retryAfter"];
/// The fields that have the time at which a limit ends.
const RESET_FIELDS: [&str; 3] = ["resetAt", "resets_at", "reset_at"];
/// From here on a number of seconds is a point in time.
const FIRST_INSTANT: f64 = 1e9;
/// The body of an error answer, or an `error` event.
#[derive(Debug, Default, PartialEq)]
pub struct ErrorBody {
    /// The API's name for the error, such as `rate_limit_error`; empty if it has none.
    pub kind: String,
    /// All its types and codes, by which relays name an error.
    pub codes: Vec<String>,
    /// The server's words on one line; empty if there are none.
    pub message: String,
    /// The HTTP status that is written in it.
    pub status: Option<u16>,
    pub request_id: Option<String>,
    /// How long the server asks to wait.
    pub pause: Option<Pause>,
}

/// A pause as a body has it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pause {
    For(Duration),
    Until(SystemTime),
}

impl Pause {
    /// How long it is at this time. A time that is past, or further ahead than any window is long, is no pause.
    pub fn left(self, now: SystemTime) -> Option<Duration> {
        match self {
            Self::For(time) => Some(time),
            Self::Until(reset) => until(reset, now),
        }
    }
}

impl ErrorBody {
    /// Reads JSON of any form, an HTML page, or text: of those, the first line that has words.
    pub fn read(body: &[u8]) -> Self {
        let text = repair(body);
        let parse = |text: &str| serde_json::from_str::<Value>(first_value(text)?.0).ok();
        let json = parse(&text).or_else(|| parse(&escape_controls(&text)));
        match json.filter(|json| !json.is_number()) {
            Some(value) => Self::of(&value, &text),
            None => Self { message: first_line(&text), ..Self::default() },
        }
    }

    fn of(value: &Value, text: &str) -> Self {
        let value = value.get(0).unwrap_or(value);
        let error = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
        let inner = error.get("error").filter(|error| error.is_object()).unwrap_or(error);
        let levels = [inner, error, value, &value["base_resp"], &value["detail"], &value["data"]];
        let cause = [&value["details"], &error["metadata"]["raw"]];
        let cause =
            cause.into_iter().find_map(|cause| Some(Self::read(cause.as_str()?.as_bytes())));
        let cause = cause.unwrap_or_default();
        let fields =
            levels.iter().flat_map(|level| ["type", "code", "status_code"].map(|key| &level[key]));
        let mut codes = cause.codes;
        codes.extend(fields.filter(|code| code.is_string() || code.is_number()).map(text_of));
        // new-api gives every error its own type, and says by the code what it is; an error beside an answer stands in
        // an event or a message
        let is_name = |code: &&String| {
            !matches!(&***code, "" | "error" | "new_api_error" | "message" | "list")
                && !is_event_name(code)
                && code.parse::<f64>().is_err()
        };
        let kind = codes.iter().find(is_name).cloned().unwrap_or_default();
        let message = words(value, 0).unwrap_or_else(|| match &value["error"] {
            // without known fields, all of it is shown
            error @ Value::Object(_) if has_facts(error) => error.to_string(),
            _ if value.is_object() && has_facts(value) => text.into(),
            _ => String::new(),
        });
        let message = match &*cause.message {
            "" => message,
            cause => format!("{message}: {cause}"),
        };
        // new-api puts the id at the end of the words
        let (message, id) = match message.rsplit_once("(request id: ") {
            Some((words, id)) => (words.trim_end(), Some(id.trim_end_matches(')'))),
            None => (&*message, None),
        };
        let statuses = levels.iter().flat_map(|level| STATUS_FIELDS.map(|key| &level[key]));
        Self {
            kind: to_line(&kind),
            message: to_line(message),
            status: statuses.chain([&value["error"]]).find_map(status).or(cause.status),
            request_id: id.or(value["request_id"].as_str()).map(to_line),
            pause: levels.iter().find_map(|level| pause(level)),
            codes,
        }
    }

    /// Returns the kind of failure that the API's own type stands for.
    pub fn kind_of_type(&self) -> Option<Kind> {
        Some(match self.kind.as_str() {
            "authentication_error" => Kind::KeyRejected,
            "permission_error" | "billing_error" => Kind::NotPermitted,
            "rate_limit_error" => Kind::RateLimited,
            "invalid_request_error" | "not_found_error" | "request_too_large" => Kind::Refused,
            "overloaded_error" | "api_error" | "timeout_error" => Kind::ServerFailed,
            _ => return None,
        })
    }
}

/// Whether this is the name of an event that a message consists of: not `error`, and not `ping`.
pub fn is_event_name(name: &str) -> bool {
    name.starts_with("message_") || name.starts_with("content_block_")
}

/// Whether JSON that is neither an event nor a message is an error: it says that it failed, or has a code.
pub fn is_bare_error(json: &str) -> bool {
    let value: Value = serde_json::from_str(json).unwrap_or_default();
    let value = value.get(0).unwrap_or(&value);
    let body = ErrorBody::of(value, json);
    let code = [&value["code"], &value["base_resp"]["status_code"], &value["status_code"]];
    let is_success =
        |code: &str| matches!(code, "" | "0" | "200" | "null" | "ok" | "OK" | "success");
    let has_code = code.iter().any(|code| !is_success(&text_of(code)));
    let has_failed = [&value["success"], &value["ok"]].iter().any(|fact| **fact == false)
        || matches!(value["status"].as_str(), Some("error" | "fail" | "failed"));
    // error, errors, errMsg, error_message
    let is_named = |(key, value): (&String, &Value)| {
        key.get(..3).is_some_and(|start| start.eq_ignore_ascii_case("err")) && says_something(value)
    };
    let has_error = value.as_object().is_some_and(|fields| fields.iter().any(is_named));
    (has_code || has_failed || has_error || body.status.is_some()) && !body.message.is_empty()
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

/// The pause that an object asks for, itself or in the headers that it passes on.
fn pause(object: &Value) -> Option<Pause> {
    let seconds = || PAUSE_FIELDS.iter().find_map(|key| pause_of(&object[*key]));
    let reset = || RESET_FIELDS.iter().find_map(|key| instant(&text_of(&object[*key])));
    let headers = object["metadata"]["headers"].as_object();
    let header = |name| headers?.iter().find(|(key, _)| key.eq_ignore_ascii_case(name));
    let header = || pause_of(header("retry-after").or_else(|| header("x-ratelimit-reset"))?.1);
    seconds().or_else(|| reset().map(Pause::Until)).or_else(header)
}

/// A pause in seconds, or the point in time at which it ends.
fn pause_of(value: &Value) -> Option<Pause> {
    let text = text_of(value);
    match text.parse() {
        Ok(seconds @ ..FIRST_INSTANT) => Duration::try_from_secs_f64(seconds).ok().map(Pause::For),
        _ => instant(&text).map(Pause::Until),
    }
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
