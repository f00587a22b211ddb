//! The values of `--set`: request fields that have no flag of their own.

use std::ffi::OsString;

use anyhow::Result;
use serde_json::value::{RawValue, to_raw_value};

use crate::api::Request;
use crate::error::{Failure, usage_error};
use crate::input::{self, InputFile};

/// `KEY=VALUE`
#[derive(Debug, Clone)]
pub struct FieldArg {
    pub key: String,
    pub value: FieldValue,
}

#[derive(Debug, Clone)]
pub enum FieldValue {
    Json(Box<RawValue>),
    /// A file with the value.
    File(InputFile),
}

impl FieldArg {
    /// Parses `KEY=VALUE`. If the field has a flag of its own, the error names that flag.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let (key, value) = text.split_once('=').unwrap_or_default();
        if key.is_empty() {
            return Err(usage_error(format!(
                "--set {text}: it must be KEY=VALUE, such as service_tier=auto"
            )));
        }
        if Request::FIELDS.contains(&key) {
            let instead = match key {
                "messages" => "the prompt".into(),
                "stop_sequences" => "--stop".into(),
                "stream" => "--stream or --no-stream".into(),
                key => format!("--{}", key.replace('_', "-")),
            };
            return Err(usage_error(format!("use {instead} instead of --set {key}")));
        }
        let value = match value.strip_prefix('@') {
            Some(path) => FieldValue::File(OsString::from(path).into()),
            None => FieldValue::Json(json(value, &format!("--set {key}: the value"))?),
        };
        Ok(Self { key: key.into(), value })
    }
}

impl FieldValue {
    /// The value as JSON. Reads the file, if there is one; `notify` reports bytes of it that are not text.
    pub fn read(&self, notify: impl Fn(&str)) -> Result<Box<RawValue>> {
        match self {
            Self::Json(json) => Ok(json.clone()),
            Self::File(file) => file.read(|bytes, name| {
                let text = input::text(bytes, name)?;
                text.replaced.note(name, notify);
                Ok(json(&text.text, name)?)
            }),
        }
    }
}

/// The text as JSON if it parses, else as a string. An error if it begins like JSON but does not parse. `name` is its
/// name in messages.
fn json(text: &str, name: &str) -> Result<Box<RawValue>, Failure> {
    let parsed = RawValue::from_string(text.trim().into());
    parsed.or_else(|error| {
        if !text.trim_start().starts_with(['{', '[', '"']) {
            return to_raw_value(text);
        }
        Err(error)
    })
    .map_err(|error| {
        // the number of the line is useless if there is only one
        let error = error.to_string();
        let error = if text.contains('\n') { error } else { error.replace(" at line 1", " at") };
        usage_error(format!("{name} is not valid JSON: {error}"))
            .hint("JSON has double quotes around names and strings: --set 'metadata={\"user_id\":\"ci\"}'")
    })
}
