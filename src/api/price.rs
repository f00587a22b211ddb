//! The estimated cost of an answer.

use super::wire::Usage;

/// Dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    pub input: f64,
    pub output: f64,
}

impl Default for Price {
    /// The API reference's example: `(input * 0.0003 + output * 0.0015) / 1000` dollars.
    fn default() -> Self {
        Self { input: 0.3, output: 1.5 }
    }
}

impl Price {
    /// The cost in dollars; `None` if the server did not count both kinds of token.
    pub fn cost(self, usage: &Usage) -> Option<f64> {
        let (input, output) = (usage.input_tokens?, usage.output_tokens?);
        Some((input as f64 * self.input + output as f64 * self.output) / 1e6)
    }
}
