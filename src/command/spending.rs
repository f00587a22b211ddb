//! What the requests of one question take, counted as each of them ends.

use crate::api::{Cost, Usage};

/// Called with the tokens and the cost of each request when it has ended.
pub type OnRequest<'a> = &'a dyn Fn(&Usage, Option<Cost>);

/// The sums of all requests so far.
pub struct Spending<'a> {
    pub usage: Usage,
    /// `None` until a server counts the tokens of an answer.
    pub cost: Option<Cost>,
    on_request: OnRequest<'a>,
}

impl<'a> Spending<'a> {
    pub fn new(on_request: OnRequest<'a>) -> Self {
        Self { usage: Usage::default(), cost: None, on_request }
    }

    /// Counts a request that has ended.
    pub fn add(&mut self, usage: &Usage, cost: Option<Cost>) {
        self.usage.add(usage);
        if let Some(cost) = cost {
            self.cost.get_or_insert_default().add(cost);
        }
        (self.on_request)(usage, cost);
    }
}
