//! Texts that need no server: the man page, shell completions, the documented models.

use serde_json::{Value, json};

use super::args::Document;
use crate::api::{MODELS, Model};

/// A generated file of the repository.
pub fn document(document: Document) -> &'static str {
    match document {
        Document::Man => include_str!("../../man/anyask.1"),
        Document::CompleteBash => include_str!("../../completions/anyask.bash"),
        Document::CompleteZsh => include_str!("../../completions/_anyask"),
        Document::CompleteFish => include_str!("../../completions/anyask.fish"),
        Document::CompletePowershell => include_str!("../../completions/_anyask.ps1"),
        Document::CompleteElvish => include_str!("../../completions/anyask.elv"),
        Document::CompleteNushell => include_str!("../../completions/anyask.nu"),
    }
}

/// The documented models, one per line or as a JSON array.
pub fn models(as_json: bool) -> String {
    if as_json {
        let models = MODELS.iter().map(|model| {
            let short = Some(model.short).filter(|short| !short.is_empty());
            let Model { id, description, best_for, .. } = model;
            json!({"id": id, "short": short, "description": description, "best_for": best_for})
        });
        return format!("{:#}\n", models.collect::<Value>());
    }
    let line = |model: &Model| format!("{:<28}{:<8}{}\n", model.id, model.short, model.best_for);
    MODELS.iter().map(line).collect()
}
