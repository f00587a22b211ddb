//! Finds the order of the results in a file, without holding the results in memory.

use std::collections::{HashMap, HashSet};

use super::canonical::canonical;
use super::earlier::ItemLine;
use super::results::WrittenRow;
use crate::api::Digest;

/// The rank of a row whose item is no longer in the input.
const LAST: u64 = u64::MAX;

/// The rows of a file: what each says about its item, and where it begins.
#[derive(Default)]
pub struct Rows {
    found: Vec<Found>,
    /// The offsets of failed rows, by the ids of their items.
    failed_offsets: HashMap<Digest, Vec<u64>>,
    /// The offsets of failed rows whose id has a later answer, perhaps to another prompt.
    answered_offsets: HashSet<u64>,
}

struct Found {
    identity: Digest,
    line: u64,
    offset: u64,
    failed: bool,
}

impl Rows {
    /// Adds the row that begins at `offset`. Rows are added in the order of the file.
    pub fn add(&mut self, row: &WrittenRow, offset: u64) {
        let failed = !row.is_answer();
        if let Some(id) = row.id.filter(|_| failed || !self.failed_offsets.is_empty()) {
            let id = Digest::of(canonical(id).as_bytes());
            if failed {
                self.failed_offsets.entry(id).or_default().push(offset);
            } else {
                self.answered_offsets.extend(self.failed_offsets.remove(&id).into_iter().flatten());
            }
        }
        self.found.push(Found { identity: row.identity(), line: row.line, offset, failed });
    }

    /// The offsets of the rows in the order of these items; `None` if they are in order already. Each item has one
    /// row: its answer, or else its last failure. Rows of other items come last.
    pub fn in_order(mut self, mut items: Vec<ItemLine>) -> Option<Vec<u64>> {
        items.sort_unstable();
        self.found.sort_unstable_by_key(|row| (row.identity, row.offset));
        let mut ranked = Vec::with_capacity(self.found.len());
        for rows in self.found.chunk_by(|one, other| one.identity == other.identity) {
            let begin = items.partition_point(|(identity, _)| *identity < rows[0].identity);
            let items =
                items[begin..].iter().take_while(|(identity, _)| *identity == rows[0].identity);
            rank(rows, items.map(|(_, line)| *line).collect(), &self.answered_offsets, &mut ranked);
        }
        let count = self.found.len();
        ranked.sort_unstable();
        let offsets: Vec<_> = ranked.into_iter().map(|(_, offset)| offset).collect();
        (offsets.len() < count || !offsets.is_sorted()).then_some(offsets)
    }
}

/// Ranks the rows of equal items. `lines` are the lines of these items; `rows` are in the order of the file.
///
/// An example: equal items are on lines 3 and 7, and the file has a failure, an answer and a failure for them. Two rows
/// are retained: the answer and the later failure. They get the ranks 3 and 7, in the order of their own lines.
fn rank(
    rows: &[Found],
    lines: Vec<u64>,
    answered_offsets: &HashSet<u64>,
    ranked: &mut Vec<(u64, u64)>,
) {
    let answers = rows.iter().filter(|row| !row.failed).count();
    let mut failures = lines.len().saturating_sub(answers);
    let last = rows.last().map_or(0, |row| row.offset);
    let mut retained = Vec::new();
    for row in rows.iter().rev() {
        if !row.failed {
            retained.push(row);
        } else if failures > 0 {
            failures -= 1;
            retained.push(row);
        } else if row.offset == last && !answered_offsets.contains(&row.offset) {
            ranked.push((LAST, row.offset));
        }
    }
    retained.sort_by_key(|row| (row.line, row.offset));
    let lines = lines.into_iter().chain(std::iter::repeat(LAST));
    ranked.extend(lines.zip(retained).map(|(line, row)| (line, row.offset)));
}
