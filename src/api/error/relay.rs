//! What relays such as new-api, one-api and claude-relay-service mean by their errors, and Cloudflare and other
//! firewalls by their pages: known by code before status, and by words only where there is no code.

use super::body::ErrorBody;
use crate::api::head::Head;
use crate::error::Kind;

/// What an error means, where its status does not tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub kind: Kind,
    /// Whether the request is sent again.
    pub retried: bool,
    pub hint: &'static str,
}

/// An error is known by its code or type, or by a part of its words, in lower case.
struct Rule {
    codes: &'static [&'static str],
    words: &'static [&'static str],
    meaning: Meaning,
}

const RULES: [Rule; 3] = [
    Rule {
        codes: &["insufficient_user_quota", "pre_consume_token_quota_failed", "insufficient_quota"],
        words: &[],
        meaning: Meaning {
            kind: Kind::NotPermitted,
            retried: false,
            hint: "check the credits; relays reserve credits for --max-tokens, so a lower one may pass",
        },
    },
    Rule {
        codes: &["client_validation_error"],
        words: &[
            "invalid claude code request",
            "client not allowed",
            "only allows claude code",
            "only accepts claude code",
            "only authorized for use with claude code",
        ],
        meaning: Meaning {
            kind: Kind::NotPermitted,
            retried: false,
            hint: "this route serves Claude Code only; use another group, key or model",
        },
    },
    Rule {
        codes: &["get_channel_failed"],
        words: &["saturated", "overloaded", "负载已经达到上限", "饱和"],
        meaning: Meaning {
            kind: Kind::ServerFailed,
            retried: true,
            hint: "the server is busy; try again later",
        },
    },
];

/// Cloudflare's codes for what a site's owner forbids; 1015 is a rate limit.
const FORBIDDEN: [&str; 9] =
    ["1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1020"];

/// What an error of a relay means; `None` if its status says all. An `error` event has the status 200.
pub fn meaning(status: u16, error: &ErrorBody) -> Option<Meaning> {
    let words = error.message.to_lowercase();
    if error.kind == "model_not_found" && status == 503 {
        let hint =
            "this key's group has no channel for the model; --list-models=server shows the models";
        return Some(Meaning { kind: Kind::ServerFailed, retried: true, hint });
    }
    let is_context = words.contains("context") || words.contains("上下文");
    if status == 400 && words.contains("1m") && is_context {
        let hint = "use -H 'anthropic-beta: context-1m-2025-08-07'";
        return Some(Meaning { kind: Kind::Refused, retried: false, hint });
    }
    if status == 402 && words.contains("max_tokens") {
        return Some(RULES[0].meaning);
    }
    if error.kind == "overloaded_error" {
        // the API's own type
        return None;
    }
    let fits = |rule: &&Rule| {
        rule.codes.contains(&&*error.kind) || rule.words.iter().any(|part| words.contains(part))
    };
    let mut meaning = RULES.iter().find(fits)?.meaning;
    if meaning.kind == Kind::ServerFailed && status == 429 {
        meaning.kind = Kind::RateLimited;
    }
    Some(meaning)
}

/// Whether a bot check or a ban of a firewall came instead of an answer, and what its exit status is.
pub fn bot_check(head: &Head, body: &[u8]) -> Option<Kind> {
    let is_mitigated = head.headers.contains_key("cf-mitigated");
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'));
    if (520..=530).contains(&head.status) || (is_json && !is_mitigated) {
        return None;
    }
    let body = String::from_utf8_lossy(body).to_lowercase();
    let mut numbers = body.match_indices("error").map(|(at, _)| {
        let rest = body[at..].trim_start_matches("error").trim_start();
        let rest = rest.strip_prefix("code:").unwrap_or(rest).trim_start();
        rest.split(|char: char| !char.is_ascii_digit()).next().unwrap_or_default()
    });
    if numbers.clone().any(|number| number == "1015") {
        return Some(Kind::RateLimited);
    }
    let is_check = is_mitigated
        || (body.contains("arg1=") && body.contains("acw_sc__v2"))
        || numbers.any(|number| FORBIDDEN.contains(&number));
    is_check.then_some(Kind::NotPermitted)
}
