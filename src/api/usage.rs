//! The tokens that an answer took.

use serde::Serialize;

use super::json::Fields;

/// Tokens as the server counted them; `None` if it did not report a number.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Without the tokens that were read from a cache or written to it.
    pub input_tokens: Option<u64>,
    pub output_tokens: Option<u64>,
    #[serde(rename = "cache_read_input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_read: Option<u64>,
    #[serde(rename = "cache_creation_input_tokens", skip_serializing_if = "Option::is_none")]
    pub cache_write: Option<u64>,
}

impl Usage {
    /// Reads one report of a stream. Each report includes the earlier ones (the API's page on streaming), so the last
    /// value above 0 of each field counts.
    pub fn take(&mut self, part: &Fields) {
        let fields = [
            (&mut self.input_tokens, "input_tokens"),
            (&mut self.output_tokens, "output_tokens"),
            (&mut self.cache_read, "cache_read_input_tokens"),
            (&mut self.cache_write, "cache_creation_input_tokens"),
        ];
        for (known, name) in fields {
            let count = count(part, name);
            *known = count.filter(|count| *count > 0).or(*known).or(count);
        }
    }

    /// All input tokens, cached or not.
    pub fn input(&self) -> Option<u64> {
        let cached = [self.cache_read, self.cache_write].into_iter().flatten();
        cached.chain(self.input_tokens).reduce(u64::saturating_add)
    }

    /// Adds the tokens of another answer.
    pub fn add(&mut self, other: &Self) {
        let sum = |one: &mut Option<u64>, other: Option<u64>| {
            *one = (*one).into_iter().chain(other).reduce(u64::saturating_add);
        };
        sum(&mut self.input_tokens, other.input_tokens);
        sum(&mut self.output_tokens, other.output_tokens);
        sum(&mut self.cache_read, other.cache_read);
        sum(&mut self.cache_write, other.cache_write);
    }

    /// All input and output tokens. A number that was not reported counts as 0.
    pub fn total(&self) -> u64 {
        self.input().unwrap_or(0).saturating_add(self.output_tokens.unwrap_or(0))
    }
}

/// A number of tokens. Some servers send it as `12.0` or `"12"`.
fn count(fields: &Fields, name: &str) -> Option<u64> {
    let number = fields.read::<f64>(name).or_else(|| fields.read::<String>(name)?.parse().ok())?;
    (0.0..=9e15).contains(&number).then_some(number as u64)
}
