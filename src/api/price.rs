//! Prices, and what requests cost, in exact amounts of dollars.

use serde::{Serialize, Serializer};

use super::usage::Usage;
use crate::error::{Failure, usage_error};

/// An exact amount of dollars, in units of 10⁻¹⁵ dollars.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dollars(u128);

impl Dollars {
    /// Converts a number as it is written: 0.005 becomes exactly five thousandths.
    pub fn new(number: f64) -> Self {
        let text = number.to_string();
        let (whole, decimals) = text.split_once('.').unwrap_or((&text, ""));
        Self(format!("{whole}{decimals:0<15.15}").parse().unwrap_or(u128::MAX))
    }

    /// The number that is written for it.
    pub fn as_f64(self) -> f64 {
        format!("{}e-15", self.0).parse().unwrap_or(f64::MAX)
    }

    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl Serialize for Dollars {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.as_f64())
    }
}

/// What requests have cost.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    pub dollars: Dollars,
    /// Some of it is at the example price, because no price fits the model.
    pub is_example: bool,
}

impl Cost {
    pub fn add(&mut self, other: Self) {
        self.dollars = self.dollars.plus(other.dollars);
        self.is_example |= other.is_example;
    }

    /// The dollars, if the user gave the prices.
    pub fn known(self) -> Option<Dollars> {
        Some(self.dollars).filter(|_| !self.is_example)
    }
}

/// Dollars per million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Price {
    pub input: Dollars,
    pub output: Dollars,
}

/// The price of a token that is read from a cache, and of one that is written to it, in hundredths of the price of an
/// input token (upstream's price list).
const CACHE_READ: u128 = 10;
const CACHE_WRITE: u128 = 125;

/// The API reference's example: `(input * 0.0003 + output * 0.0015) / 1000` dollars.
const EXAMPLE: Price =
    Price { input: Dollars(300_000_000_000_000), output: Dollars(1_500_000_000_000_000) };

impl Price {
    /// The cost of an answer; `None` if the server did not report both input and output tokens.
    fn cost(self, usage: &Usage) -> Option<Dollars> {
        usage.input()?;
        let count = |tokens: Option<u64>| u128::from(tokens.unwrap_or(0));
        let cached = count(usage.cache_read) * CACHE_READ + count(usage.cache_write) * CACHE_WRITE;
        let input = (count(usage.input_tokens) * 100 + cached).saturating_mul(self.input.0);
        let output = (u128::from(usage.output_tokens?) * 100).saturating_mul(self.output.0);
        // hundredths of a price per million
        Some(Dollars(input.saturating_add(output) / 100_000_000))
    }
}

/// Prices, each with the model id, or the start of model ids, that it is for.
#[derive(Debug, Default, Clone)]
pub struct Prices(pub Vec<(String, Price)>);

impl Prices {
    /// The price with the longest start that fits. If there are several, the last one counts.
    fn of(&self, model: &str) -> Option<Price> {
        let fitting = self.0.iter().filter(|(start, _)| model.starts_with(start));
        fitting.max_by_key(|(start, _)| start.len()).map(|(_, price)| *price)
    }

    /// An error if no price fits the model: then `--max-cost` cannot count what it costs.
    pub fn require(&self, model: &str) -> Result<(), Failure> {
        if self.of(model).is_some() {
            return Ok(());
        }
        let failure = usage_error(format!("--max-cost needs a --price that fits {model}"));
        Err(failure.hint(format!("use --price {model}=IN,OUT, in dollars per million tokens")))
    }

    /// The cost of a model's answer; `None` if the server did not count its tokens.
    pub fn cost(&self, model: &str, usage: &Usage) -> Option<Cost> {
        let price = self.of(model);
        let dollars = price.unwrap_or(EXAMPLE).cost(usage)?;
        Some(Cost { dollars, is_example: price.is_none() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_and_written_as_short_as_possible() {
        let five = Dollars::new(0.005);
        let sum = (0..9).fold(five, |sum, _| sum.plus(five));
        assert_eq!(sum, Dollars::new(0.05));
        for number in [0.0, 0.005, 1e-7, 0.1, 1.1, 45_000.56, 1e9] {
            assert_eq!(Dollars::new(number).as_f64().to_bits(), number.to_bits());
        }
        assert_eq!(Dollars::new(1e300), Dollars(u128::MAX));
    }
}
