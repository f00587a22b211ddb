//! The answers of earlier batches, by the labels of their items, or else by their lines.

use crate::api::Digest;

/// The digest of each answer's label, and what identifies its item. Sorted.
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
