//! Reports about an answer, and the request as a curl command.

use std::collections::HashSet;
use std::time::SystemTime;

use crate::api::{Answer, Cost, HeaderSource, Limits, Prepared, in_words};
use crate::error::{Failure, Kind};

/// The longest body in a curl command, in bytes. A longer one goes through a pipe: Linux limits an argument to 128 KiB.
const LONGEST_ARGUMENT: usize = 100 << 10;

/// The line of `--usage`. What the server did not report is left out.
pub fn usage_line(answer: &Answer, limits: &Limits, cost: Option<Cost>) -> String {
    let (input, output) = (answer.usage.input(), answer.usage.output_tokens);
    let cached = answer.usage.cache_read.filter(|count| *count > 0);
    let cached = cached.map_or(String::new(), |count| format!(" ({} cached)", counted(count)));
    let of = limits.limit.map_or(String::new(), |limit| format!(" of {limit}"));
    let parts = [
        input.map(|count| count_of(count, "token") + " in" + &cached),
        output.map(|count| count_of(count, "token") + " out"),
        input
            .zip(output)
            .map(|(input, output)| format!("{} in total", counted(input.saturating_add(output)))),
        cost.map(estimate),
        limits.credits.map(|credits| format!("${credits:.2} credits left")),
        limits.remaining.map(|remaining| format!("{remaining}{of} requests left")),
        limits
            .wait(SystemTime::now())
            .map(|wait| format!("the window resets in {}", in_words(wait))),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    if parts.is_empty() {
        return "usage: not reported by the server".into();
    }
    format!("usage: {}", parts.join(", "))
}

/// Why an answer is shorter than it should be, if it is.
pub fn stopped_short(answer: &Answer, max_tokens: u32) -> Option<Failure> {
    let (why, hint) = match answer.stop_reason.as_deref()? {
        "max_tokens" => {
            (format!("it reached --max-tokens {max_tokens}"), Some("use a larger --max-tokens"))
        }
        "refusal" => {
            let why = answer.explanation.as_deref().map_or(String::new(), |why| format!(": {why}"));
            (format!("the model refused to go on{why}"), None)
        }
        "model_context_window_exceeded" => {
            ("the model's context window is full".into(), Some("send less text or fewer files"))
        }
        "end_turn" | "stop_sequence" | "stop" => return None,
        reason => (format!("its stop reason is {reason}"), None),
    };
    let failure = Failure::new(Kind::StoppedShort, format!("the answer stopped short: {why}"));
    Some(failure.maybe_hint(hint))
}

/// An estimated cost, such as `about $0.0001`.
pub fn estimate(cost: Cost) -> String {
    let price = if cost.is_example { " at the example price" } else { "" };
    format!("about ${}{price}", dollars(cost.dollars.as_f64()))
}

/// Dollars with four decimals, or with more, so that two significant digits are visible.
fn dollars(amount: f64) -> String {
    let shows_two_digits = |decimals: &i32| amount * 10f64.powi(decimals - 1) >= 1.0;
    let decimals = (4..=21).find(shows_two_digits).unwrap_or(4);
    format!("{amount:.*}", decimals as usize)
}

/// A number with a comma between thousands.
pub fn counted(number: u64) -> String {
    match number {
        0..1000 => number.to_string(),
        _ => format!("{},{:03}", counted(number / 1000), number % 1000),
    }
}

/// A number with its noun, such as `1 row` and `1,200 rows`.
pub fn count_of(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", counted(number), if number == 1 { "" } else { "s" })
}

/// A curl command that sends the same request, with the key as `$ANYROUTER_API_KEY`.
pub fn curl(prepared: &Prepared) -> String {
    let body = quoted(&String::from_utf8_lossy(&prepared.body));
    let (pipe, data) = if body.len() > LONGEST_ARGUMENT {
        (format!("printf %s {body} | "), "--data-binary @-".into())
    } else {
        (String::new(), format!("--data-raw {body}"))
    };
    let url = quoted(&prepared.url.to_string());
    let mut arguments = vec![format!("{pipe}curl -sS -N -g --compressed {url}")];
    let mut files = HashSet::new();
    for header in &prepared.headers {
        arguments.push(match &header.source {
            HeaderSource::Plain => {
                format!("-H {}", quoted(&format!("{}: {}", header.name, header.redacted())))
            }
            HeaderSource::Key(auth) => {
                format!("-H \"{}: {}\"", auth.name(), auth.value("$ANYROUTER_API_KEY"))
            }
            // curl reads the file itself, because its headers may be secrets
            HeaderSource::File(path) if files.insert(path) => {
                format!("-H {}", quoted(&format!("@{path}")))
            }
            HeaderSource::File(_) => continue,
        });
    }
    arguments.push(data);
    arguments.join(" \\\n  ") + "\n"
}

/// A word of a POSIX shell in single quotes.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_amounts_keep_two_significant_digits() {
        assert_eq!(dollars(0.000_041_1), "0.000041");
        assert_eq!(dollars(0.0099), "0.0099");
        assert_eq!(dollars(0.001), "0.0010");
        assert_eq!(dollars(1.5), "1.5000");
        assert_eq!(dollars(0.0), "0.0000");
    }

    #[test]
    fn a_comma_stands_between_thousands() {
        for (number, text) in [(0, "0"), (999, "999"), (1000, "1,000"), (1_002_034, "1,002,034")] {
            assert_eq!(counted(number), text);
        }
    }
}
