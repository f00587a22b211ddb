//! Whatever a server says about an error, it is one line. JSON that is repaired stays JSON.
#![no_main]

use anyask::api::error::body::ErrorBody;
use anyask::api::json::repair;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    let error = ErrorBody::read(body);
    for line in [&error.kind, &error.message] {
        assert!(!line.contains(['\n', '\r']));
    }
    if serde_json::from_slice::<Value>(body).is_ok() {
        assert!(serde_json::from_str::<Value>(&repair(body)).is_ok());
    }
});
