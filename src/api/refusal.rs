//! A server's "no": the error envelopes in use, and the kind of failure that each stands for.

use serde_json::Value;

use crate::error::Kind;

/// Longest message shown, in characters: an error page is not a message.
const LONGEST: usize = 400;

/// The largest body that is read as an envelope, in bytes.
const LARGEST: usize = 256 << 10;

/// What an error body or an `error` event says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// The API's name for it, such as `rate_limit_error`; empty if it gives none.
    pub kind: String,
    /// One line; empty if it says nothing.
    pub message: String,
}

impl Refusal {
    /// Reads any of the envelopes that servers of the Messages API use; of a body that is none
    /// of them, the first line.
    pub fn read(body: &[u8]) -> Self {
        // more than that is a page, whatever it looks like
        let json = if body.len() <= LARGEST { body } else { b"" };
        match serde_json::from_str(&super::mend::mended(json)) {
            Ok(value) => Self::of(&value),
            Err(_) => Self {
                kind: String::new(),
                message: page_line(&String::from_utf8_lossy(body)),
            },
        }
    }

    /// `{"error":{"type","message"}}`, `{"error":"…"}`, `{"type","message"}`, `{"detail":"…"}`.
    fn of(value: &Value) -> Self {
        let error = value
            .get("error")
            .filter(|error| !error.is_null())
            .unwrap_or(value);
        let text = |value: &Value| match value {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let kind = ["type", "code"].iter().find_map(|key| error[*key].as_str());
        let message = text(error).or_else(|| {
            let places = [
                &error["message"],
                &error["detail"],
                &value["message"],
                &value["detail"],
            ];
            places.into_iter().find_map(text)
        });
        Self {
            kind: one_line(kind.unwrap_or_default()),
            message: one_line(&message.unwrap_or_default()),
        }
    }

    /// The kind of failure that the error's own type stands for.
    pub fn failure_kind(&self) -> Kind {
        match self.kind.as_str() {
            "authentication_error" => Kind::KeyRejected,
            "permission_error" | "billing_error" => Kind::NotPermitted,
            "rate_limit_error" => Kind::RateLimited,
            "invalid_request_error" | "not_found_error" | "request_too_large" => Kind::Refused,
            _ => Kind::ServerFailed,
        }
    }
}

/// The kind of failure that an HTTP status stands for.
pub fn status_kind(status: u16) -> Kind {
    match status {
        401 => Kind::KeyRejected,
        402 | 403 => Kind::NotPermitted,
        429 => Kind::RateLimited,
        300..=499 => Kind::Refused,
        _ => Kind::ServerFailed,
    }
}

/// The first line of a page that has words in it; of an HTML page, the first words between tags.
fn page_line(page: &str) -> String {
    let lines: Vec<&str> = if page.trim_start().starts_with('<') {
        page.split('<')
            .map(|part| part.split_once('>').map_or("", |(_, text)| text))
            .collect()
    } else {
        page.lines().collect()
    };
    one_line(
        lines
            .into_iter()
            .find(|line| !line.trim().is_empty())
            .unwrap_or_default(),
    )
}

/// Blanks and line ends folded into single blanks, without a full stop at the end, cut short where it
/// goes on too long.
fn one_line(text: &str) -> String {
    let mut line = String::new();
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((cut, _)) = line.char_indices().nth(LONGEST) {
            line.truncate(cut);
            line.push('…');
            return line;
        }
    }
    if line.ends_with('.') && !line.ends_with("..") {
        line.pop();
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(body: &str) -> (String, String) {
        let refusal = Refusal::read(body.as_bytes());
        (refusal.kind, refusal.message)
    }

    #[test]
    fn reads_every_envelope_in_use() {
        let same = |kind: &str, message: &str| (kind.to_string(), message.to_string());
        let api = r#"{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}"#;
        assert_eq!(read(api), same("rate_limit_error", "slow down"));
        let bare = r#"{"error":{"type":"api_error","message":"oops"}}"#;
        assert_eq!(read(bare), same("api_error", "oops"));
        let numbered = r#"{"error":{"message":"no","type":null,"code":401,"param":null}}"#;
        assert_eq!(read(numbered), same("", "no"));
        let named = r#"{"error":{"message":"no","code":"model_not_found"}}"#;
        assert_eq!(read(named), same("model_not_found", "no"));
        assert_eq!(read(r#"{"detail":"Not Found"}"#), same("", "Not Found"));
        assert_eq!(read(r#"{"error":"plain"}"#), same("", "plain"));
        assert_eq!(
            read(r#"{"code":500,"message":"m","type":"server_error"}"#),
            same("server_error", "m")
        );
        assert_eq!(read("upstream\n is  down"), same("", "upstream"));
        assert_eq!(
            read("<html><head>\n<title>502 Bad Gateway</title>"),
            same("", "502 Bad Gateway")
        );
        assert_eq!(read(""), same("", ""));
    }

    #[test]
    fn cuts_a_long_message_short() {
        let body = format!(r#"{{"detail":"{}"}}"#, "é".repeat(10_000));
        assert_eq!(read(&body).1.chars().count(), LONGEST + 1);
    }

    proptest! {
        #[test]
        fn any_body_gives_one_short_line(body in proptest::collection::vec(any::<u8>(), 0..600)) {
            let refusal = Refusal::read(&body);
            prop_assert!(!refusal.message.contains('\n') && refusal.message.chars().count() <= LONGEST + 1);
        }
    }
}
