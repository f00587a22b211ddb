//! Objects with repeated keys at any level are read with the last value of each, as `serde_json::Value` has it.
#![no_main]

use anyask::api::Fields;
use anyask::api::json::parse;
use libfuzzer_sys::fuzz_target;
use serde_json::{Map, Value};

fuzz_target!(|json: &[u8]| {
    let Ok(json) = std::str::from_utf8(json) else { return };
    let Ok(object) = serde_json::from_str::<Map<String, Value>>(json) else { return };
    let fields: Fields = parse(json).expect("an object");
    for (key, value) in &object {
        let read: Value = fields.read(key).unwrap_or_default();
        assert_eq!(&read, value);
    }
});
