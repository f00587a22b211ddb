//! Whatever a server says with its "no", it is one short line. JSON that is mended stays JSON.
#![no_main]

use anyask_fuzz::api::refusal::Refusal;
use anyask_fuzz::api::mend::{Half, mended};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let refusal = Refusal::read(body);
    for line in [&refusal.kind, &refusal.message] {
        assert!(!line.contains(['\n', '\r']) && line.chars().count() <= 401);
    }
    if serde_json::from_slice::<Value>(body).is_ok() {
        assert!(serde_json::from_str::<Value>(&mended(body)).is_ok());
        assert!(serde_json::from_str::<Value>(&Half::default().mend(body).json).is_ok());
    }
});
