//! The estimated cost of an answer.

use super::usage::Usage;

/// Dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

/// The price of a token that is read from a cache, and of one that is written to it, in prices of an input token
/// (upstream's price list).
const CACHE_READ: f64 = 0.1;
const CACHE_WRITE: f64 = 1.25;

/// The default price. The API reference's example: `(input * 0.0003 + output * 0.0015) / 1000` dollars.
const EXAMPLE: Price = Price { input: 0.3, output: 1.5 };

/// Prices, each with the model id, or the start of model ids, that it is for.
#[derive(Debug, Default, Clone)]
pub struct Prices(pub Vec<(String, Price)>);

impl Prices {
    /// The price with the longest start that fits. If there are several, the last one counts.
    pub fn of(&self, model: &str) -> Price {
        let fitting = self.0.iter().filter(|(start, _)| model.starts_with(start));
        fitting.max_by_key(|(start, _)| start.len()).map_or(EXAMPLE, |(_, price)| *price)
    }
}

impl Price {
    /// The price of a recorded answer.
    pub const FREE: Self = Self { input: 0.0, output: 0.0 };

    /// The cost in dollars; `None` if the server did not report both input and output tokens.
    pub fn cost(self, usage: &Usage) -> Option<f64> {
        usage.input()?;
        let count = |tokens: Option<u64>| tokens.unwrap_or(0) as f64;
        let cached = count(usage.cache_read) * CACHE_READ + count(usage.cache_write) * CACHE_WRITE;
        let input = (count(usage.input_tokens) + cached) * self.input;
        Some((input + usage.output_tokens? as f64 * self.output) / 1e6)
    }
}
