//! The models that the API reference documents, and what a name of a model stands for.

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

/// The user's names for models, each with an id. If a name is given again, the last id counts.
#[derive(Debug, Clone, Default)]
pub struct Aliases(pub Vec<(String, String)>);

impl Aliases {
    /// The id that a name stands for: an alias, or else a documented short name. Any other name is an id itself.
    pub fn id<'a>(&'a self, name: &'a str) -> &'a str {
        if let Some((_, id)) = self.0.iter().rfind(|(alias, _)| alias == name) {
            return id;
        }
        let named = |model: &&Model| !name.is_empty() && model.short == name;
        MODELS.iter().find(named).map_or(name, |model| model.id)
    }
}

/// The documented maximum of `max_tokens`, and its default for older models.
pub const DOCUMENTED_MAX_TOKENS: u32 = 4096;

/// The default of `max_tokens`. Newer models think before they answer, and that counts.
pub fn default_max_tokens(id: &str) -> u32 {
    let is_older = |name: &str| ["2", "3", "instant"].iter().any(|older| name.starts_with(older));
    match id.strip_prefix("claude-") {
        Some(name) if !is_older(name) => 32_000,
        _ => DOCUMENTED_MAX_TOKENS,
    }
}

/// Whether this can be the id of a model: it is not empty and has no blanks.
pub fn is_model_id(name: &str) -> bool {
    !name.is_empty() && !name.contains(char::is_whitespace)
}
