//! The answers of earlier batches in the file of results, and the items that have a result now.

use std::collections::HashMap;

use crate::api::{Cost, Digest};

/// The identity of an item, and its line in the input now.
pub type ItemLine = (Digest, u64);

/// The answers of earlier batches, and the items that have a result.
#[derive(Default)]
pub struct Earlier {
    /// How many unused answers of earlier batches there are for an item. Equal items may have one each.
    answers: HashMap<Digest, u32>,
    /// The answers by the labels of their items, or else by their lines.
    pub labelled: Labelled,
    /// The items that have a result; `None` if the results are not put in order at the end.
    pub item_lines: Option<Vec<ItemLine>>,
    /// What the results of earlier batches cost. It is at the example price if no price fits one of their models.
    pub cost: Cost,
}

impl Earlier {
    /// Counts an answer of an earlier batch.
    pub fn add_answer(&mut self, identity: Digest) {
        *self.answers.entry(identity).or_default() += 1;
    }

    pub fn has_answer(&self, identity: Digest) -> bool {
        self.answers.contains_key(&identity)
    }

    /// Uses an earlier answer as the result of the item on this line; `false` if there is none.
    pub fn take_answer(&mut self, identity: Digest, line: u64) -> bool {
        let Some(left) = self.answers.get_mut(&identity).filter(|left| **left > 0) else {
            return false;
        };
        *left -= 1;
        self.add_result(identity, line);
        true
    }

    /// Notes that the item on this line has a result.
    pub fn add_result(&mut self, identity: Digest, line: u64) {
        if let Some(item_lines) = &mut self.item_lines {
            item_lines.push((identity, line));
        }
    }
}

/// The digest of each answer's label, or else of its line, and what identifies its item. Sorted.
#[derive(Default)]
pub struct Labelled(Vec<(Digest, Digest)>);

impl Labelled {
    pub fn new(mut answers: Vec<(Digest, Digest)>) -> Self {
        answers.sort_unstable();
        Self(answers)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What identifies the items of the answers with this label.
    pub fn with_label(&self, label: Digest) -> impl Iterator<Item = Digest> {
        let begin = self.0.partition_point(|(other, _)| *other < label);
        let answers = self.0[begin..].iter().take_while(move |(other, _)| *other == label);
        answers.map(|(_, identity)| *identity)
    }

    /// Whether there are answers with this label, but all of them to other requests than that of this item.
    pub fn is_changed(&self, label: Digest, identity: Digest) -> bool {
        let mut answers = self.with_label(label).peekable();
        answers.peek().is_some() && answers.all(|other| other != identity)
    }
}
