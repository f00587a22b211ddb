//! Whatever stands on a line of a batch, it is an item that is sent as it is meant, or one with a reason why it is not.
#![no_main]

use anyask::api::{Aliases, Fields, Request};
use anyask::input::{Item, PromptBuilder};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json};

fn request() -> Request {
    Request {
        model: "a-model".into(),
        max_tokens: None,
        system: None,
        messages: Vec::new(),
        temperature: None,
        top_p: None,
        stop_sequences: Vec::new(),
        stream: false,
        extra: Fields::default(),
        cache: false,
    }
}

fuzz_target!(|line: &[u8]| {
    if line.contains(&b'\n') {
        return;
    }
    let item = Item::parse(1, line.to_vec());
    let item_request = match item.request {
        Ok(request) => request,
        Err(why) => {
            assert!(!why.is_empty());
            return;
        }
    };
    let mut request = request();
    item_request.apply(&mut request, &Aliases::default(), &PromptBuilder::default(), None);
    // the content of a message may have a number that no parser reads, and is sent as it is
    let Ok(sent) = serde_json::to_value(&request) else { return };
    let last = &sent["messages"].as_array().expect("messages").last().expect("a message")["content"];
    let text = String::from_utf8_lossy(line);
    let text = text.strip_suffix('\r').unwrap_or(&text);
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(object)) => {
            for name in ["temperature", "top_p", "system"] {
                let given = object.get(name).filter(|value| !value.is_null());
                let same = given.and_then(Value::as_f64) == sent[name].as_f64();
                assert!(same && given.and_then(Value::as_str) == sent[name].as_str(), "{name}");
            }
            if let Some(prompt) = object.get("prompt").filter(|prompt| !prompt.is_null()) {
                assert_eq!(prompt, last);
            }
        }
        Ok(Value::String(prompt)) => assert_eq!(last, &json!(prompt)),
        _ if text.trim().starts_with(['{', '"']) => {}
        _ => assert_eq!(last, &json!(text)),
    }
});
