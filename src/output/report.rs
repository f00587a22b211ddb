//! What is said about an answer rather than in it: usage, a short stop, the exchange under `--verbose`.

use super::console::Console;
use crate::api::{Key, Limits, Prepared, Price, Reply, Response, in_words};
use crate::error::{Failure, Kind};

/// The line of `--usage`; what the server did not say is left out.
pub fn usage_line(reply: &Reply, limits: &Limits, price: Price) -> String {
    let mut parts = Vec::new();
    let (input, output) = (reply.usage.input_tokens, reply.usage.output_tokens);
    if let Some(input) = input {
        parts.push(format!("{input} {} in", tokens(input)));
    }
    if let Some(output) = output {
        parts.push(format!("{output} {} out", tokens(output)));
    }
    if let Some((input, output)) = input.zip(output) {
        parts.push(format!("{} in total", input + output));
    }
    if let Some(cost) = price.of(&reply.usage) {
        parts.push(format!("about ${}", dollars(cost)));
    }
    if let Some(credits) = limits.credits {
        parts.push(format!("${credits:.2} credits left"));
    }
    let of = limits
        .limit
        .map_or(String::new(), |limit| format!(" of {limit}"));
    if let Some(remaining) = limits.remaining {
        parts.push(format!("{remaining}{of} requests left"));
    }
    if let Some(seconds) = limits.resets_in() {
        parts.push(format!("the window resets in {}", in_words(seconds)));
    }
    if parts.is_empty() {
        return "usage: the server says nothing about it".into();
    }
    format!("usage: {}", parts.join(", "))
}

fn tokens(count: u64) -> &'static str {
    if count == 1 { "token" } else { "tokens" }
}

/// Dollars with two significant digits under a cent, else with cents and a hundredth of them.
pub fn dollars(amount: f64) -> String {
    if amount == 0.0 || amount >= 0.01 {
        return format!("{amount:.4}");
    }
    let mut digits = 3;
    while digits < 12 && amount * 10f64.powi(digits - 1) < 1.0 {
        digits += 1;
    }
    format!("{amount:.*}", digits as usize)
}

/// Why an answer is shorter than it would have been; `None` if it is not.
pub fn stopped_short(reply: &Reply, max_tokens: u32) -> Option<Failure> {
    let short = |message: String| {
        Failure::new(
            Kind::StoppedShort,
            format!("the answer stopped short: {message}"),
        )
    };
    match reply.stop_reason.as_deref()? {
        "max_tokens" => Some(
            short(format!("it reached --max-tokens {max_tokens}"))
                .hint("a larger --max-tokens lets it go on"),
        ),
        "refusal" => Some(short("the model refused to go on".into())),
        "model_context_window_exceeded" => {
            Some(short("the model's context window is full".into()).hint("ask with less material"))
        }
        _ => None,
    }
}

/// The request, as `--verbose` shows it: everything but the key.
pub fn request_shown(console: Console, prepared: &Prepared) {
    if !console.verbose {
        return;
    }
    let path = prepared
        .url
        .path_and_query()
        .map_or("/", |path| path.as_str());
    console.trace(">", format!("POST {path} HTTP/1.1"));
    let host = prepared
        .url
        .authority()
        .map_or("", |authority| authority.as_str());
    console.trace(">", format!("host: {host}"));
    console.trace(">", format!("content-length: {}", prepared.body.len()));
    if !prepared.brings_key {
        let value = prepared.auth.value("[redacted]");
        console.trace(">", format!("{}: {value}", prepared.auth.header()));
    }
    for header in &prepared.headers {
        let value = match header.file {
            Some(_) => "[redacted]".into(),
            None => String::from_utf8_lossy(header.value.as_bytes()),
        };
        console.trace(">", format!("{}: {value}", header.name));
    }
}

/// The head of the answer, as `--verbose` shows it.
pub fn response_shown(console: Console, response: &Response, key: Option<&Key>) {
    if !console.verbose {
        return;
    }
    console.trace("<", format!("HTTP/1.1 {}", response.status));
    for (name, value) in &response.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let value = key.map_or_else(|| value.to_string(), |key| key.hide(&value));
        console.trace("<", format!("{name}: {value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::dollars;

    #[test]
    fn small_amounts_keep_two_digits() {
        assert_eq!(dollars(0.000_041_1), "0.000041");
        assert_eq!(dollars(0.0099), "0.0099");
        assert_eq!(dollars(1.5), "1.5000");
        assert_eq!(dollars(0.0), "0.0000");
    }
}
