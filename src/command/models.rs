//! `--list-models`: the documented models.

use serde_json::{Value, json};

use crate::settings::MODELS;

/// One model a line with what it is best for, or all as a JSON array.
pub fn list(as_json: bool) -> String {
    if as_json {
        let models = MODELS.iter().map(|model| {
            let short = Some(model.short).filter(|short| !short.is_empty());
            json!({"id": model.id, "short": short, "description": model.said_to_be, "best_for": model.best_for})
        });
        return format!("{:#}\n", models.collect::<Value>());
    }
    let line = |model: &crate::settings::Model| {
        format!("{:<28}{:<8}{}\n", model.id, model.short, model.best_for)
    };
    MODELS.iter().map(line).collect()
}
