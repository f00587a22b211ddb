//! The models that the API reference documents.

/// A documented model.
pub struct Model {
    pub id: &'static str,
    /// The short name that `--model` takes for the newest of its family; empty for an older one.
    pub short: &'static str,
    pub description: &'static str,
    pub best_for: &'static str,
}

/// The documented models, in the reference's order. The first one is the default.
pub const MODELS: [Model; 4] = [
    Model {
        id: "claude-3-5-sonnet-20241022",
        short: "sonnet",
        description: "latest, most advanced",
        best_for: "complex reasoning, analysis",
    },
    Model {
        id: "claude-3-opus-20240229",
        short: "opus",
        description: "most capable",
        best_for: "complex tasks, creative writing",
    },
    Model {
        id: "claude-3-sonnet-20240229",
        short: "",
        description: "balanced",
        best_for: "general purpose, coding",
    },
    Model {
        id: "claude-3-haiku-20240307",
        short: "haiku",
        description: "fastest",
        best_for: "simple tasks, quick responses",
    },
];

/// The id that a short name stands for; any other name is an id itself.
pub fn model_id(name: &str) -> &str {
    let named = |model: &&Model| !name.is_empty() && model.short == name;
    MODELS.iter().find(named).map_or(name, |model| model.id)
}

/// Whether this can be the id of a model: it is not empty and has no blanks.
pub fn is_model_id(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_whitespace)
}
