//! What relays such as new-api, one-api and claude-relay-service mean by their errors, and Cloudflare and other
//! firewalls by their pages. Errors are known by their codes, and by words only where relays send no code.

use ureq::http::header::SET_COOKIE;

use super::body::ErrorBody;
use crate::api::head::Head;
use crate::error::Kind;

/// What an error means, where its status or its type does not say it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Meaning {
    pub kind: Kind,
    /// Whether the request is sent again.
    pub retried: bool,
    pub hint: &'static str,
}

/// An error with one of these codes or types, or with one of these words, which are in lower case.
struct Rule {
    codes: &'static [&'static str],
    words: &'static [&'static str],
    meaning: Meaning,
}

impl Rule {
    fn fits(&self, error: &ErrorBody, words: &str) -> bool {
        error.codes.iter().any(|code| self.codes.contains(&&**code))
            || self.words.iter().any(|part| words.contains(part))
    }
}

const CREDITS: Rule = Rule {
    codes: &[
        "insufficient_user_quota",
        "pre_consume_token_quota_failed",
        "insufficient_quota",
        "exceeded_current_quota_error",
        "insufficient_balance_error",
        "Arrearage",
        "1113",
        "1008",
    ],
    words: &[
        "credit balance is too low",
        "insufficient balance",
        "insufficient credits",
        "余额不足",
        "额度不足",
        "欠费",
    ],
    meaning: Meaning {
        kind: Kind::NotPermitted,
        retried: false,
        hint: "check the credits; relays reserve credits for --max-tokens, so a lower one may pass",
    },
};

const CLAUDE_CODE_ONLY: Rule = Rule {
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
};

const BUSY: Rule = Rule {
    codes: &["get_channel_failed"],
    words: &["saturated", "overloaded", "负载已经达到上限", "饱和"],
    meaning: Meaning {
        kind: Kind::ServerFailed,
        retried: true,
        hint: "the server is busy; try again later",
    },
};

/// The code of a quota that resets after some hours.
const USAGE_LIMIT: &str = "1308";

/// Cloudflare's codes for what a site's owner forbids; 1015 is a rate limit.
const FORBIDDEN: [&str; 9] =
    ["1005", "1006", "1007", "1008", "1009", "1010", "1011", "1012", "1020"];

/// What an error of a relay means; `None` if its status or its type says all. An `error` event, and an error under a
/// status of success, have no status.
pub fn meaning(status: Option<u16>, error: &ErrorBody) -> Option<Meaning> {
    let words = error.message.to_lowercase();
    if let Some(rule) = [CREDITS, CLAUDE_CODE_ONLY].iter().find(|rule| rule.fits(error, &words)) {
        return Some(rule.meaning);
    }
    // the status of this one is usually 429
    if status.is_none() && error.codes.iter().any(|code| code == USAGE_LIMIT) {
        let hint = "the limit ends by itself; wait and try again";
        return Some(Meaning { kind: Kind::RateLimited, retried: true, hint });
    }
    let number = status.or(error.status);
    let is_context = words.contains("context") || words.contains("上下文");
    match number {
        Some(402) if words.contains("max_tokens") => return Some(CREDITS.meaning),
        Some(503) if error.kind == "model_not_found" => {
            let hint = "the group of this key has no channel for the model; use a model of --list-models=server";
            return Some(Meaning { kind: Kind::ServerFailed, retried: true, hint });
        }
        Some(400) if words.contains("1m") && is_context => {
            let hint = "use -H 'anthropic-beta: context-1m-2025-08-07'";
            return Some(Meaning { kind: Kind::Refused, retried: false, hint });
        }
        _ => {}
    }
    // a word does not outrank the API's own type, nor a status inside the error
    let is_clear = error.kind_of_type().is_some() || (status.is_none() && error.status.is_some());
    if is_clear || !BUSY.fits(error, &words) {
        return None;
    }
    let kind = if status == Some(429) { Kind::RateLimited } else { BUSY.meaning.kind };
    Some(Meaning { kind, ..BUSY.meaning })
}

/// Whether a bot check or a ban of a firewall came instead of an answer, and what its exit status is.
pub fn bot_check(head: &Head, body: &[u8]) -> Option<Kind> {
    let is_mitigated = head.headers.contains_key("cf-mitigated");
    let is_json = matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"'));
    // SafeLine's own status
    let is_safeline = head.status == 468;
    if (520..=530).contains(&head.status) || (is_json && !is_mitigated && !is_safeline) {
        return None;
    }
    let body = String::from_utf8_lossy(body).to_lowercase();
    let mut numbers = body.match_indices("error").map(|(at, word)| {
        let rest = body[at + word.len()..].trim_start();
        let rest = rest.strip_prefix("code").unwrap_or(rest).trim_start_matches([':', ' ']);
        rest.split(|char: char| !char.is_ascii_digit()).next().unwrap_or_default()
    });
    if numbers.clone().any(|number| number == "1015") {
        return Some(Kind::RateLimited);
    }
    let is_check = is_mitigated
        || is_from_aliyun(head, &body)
        || is_safeline
        || (body.contains("arg1=") && body.contains("acw_sc__v2"))
        || numbers.any(|number| FORBIDDEN.contains(&number));
    is_check.then_some(Kind::NotPermitted)
}

/// Whether it is the page of Alibaba Cloud's firewall, which stands before AnyRouter.
fn is_from_aliyun(head: &Head, page: &str) -> bool {
    let mut cookies = head.headers.get_all(SET_COOKIE).iter();
    let has_cookie = cookies.any(|cookie| cookie.as_bytes().starts_with(b"acw_tc="));
    let is_page = page.trim_start().starts_with('<');
    head.status == 405 && is_page && (has_cookie || page.contains("errors.aliyun.com"))
}
