//! Whatever headers an answer has, they are read or left out, and no pause is longer than it may be.
#![no_main]

use std::time::{Duration, SystemTime};

use anyask::api::error::retry::{Decision, Policy, retryable, server_pause};
use anyask::api::{Limits, in_words};
use libfuzzer_sys::fuzz_target;
use ureq::http::{HeaderMap, HeaderName, HeaderValue};

fuzz_target!(|input: &[u8]| {
    let mut headers = HeaderMap::new();
    for line in input.split(|byte| *byte == b'\n').take(64) {
        let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
        let value = HeaderValue::from_bytes(line.get(colon + 1..).unwrap_or_default());
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&line[..colon]), value) {
            headers.append(name, value);
        }
    }
    let limits = Limits::read(&headers);
    assert!(limits.credits.is_none_or(f64::is_finite));
    limits.wait(SystemTime::UNIX_EPOCH).map(in_words);
    let max_wait = Duration::from_secs(60);
    let delay = Duration::from_secs(1);
    let policy = Policy { retries: 9, delay, max_wait, outlasts_limit: false };
    for status in [429, 400, 503] {
        let pause = server_pause(status, &headers, SystemTime::UNIX_EPOCH);
        match policy.decide(3, None, retryable(status, &headers, None), pause, 0.5) {
            Decision::Retry(pause) => assert!(pause <= max_wait),
            Decision::TooLong(pause) => assert!(pause > max_wait),
            Decision::GiveUp => {}
        }
    }
});
