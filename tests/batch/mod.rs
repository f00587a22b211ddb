//! `--batch`: many questions in one run, paced, resumable, paid for once.

mod budget;
mod changed;
mod identity;
mod items;
mod keys;
mod lists;
mod lost;
mod open_files;
#[cfg(unix)]
mod order;
mod pace;
mod progress;
mod replaced;
mod results;
mod resume;
mod stop;

use serde_json::Value;

use crate::harness::{Folder, Run, Server, anyask, folder};

/// A batch of the file `items`.
fn batch<const N: usize>(args: [&str; N], server: &Server, folder: &Folder) -> Run {
    anyask(["--batch=items"]).args(&args).at(server).in_dir(folder)
}

/// A batch of these items, by way of standard input.
fn piped<const N: usize>(args: [&str; N], server: &Server, items: String) -> Run {
    anyask(["--batch"]).args(&args).at(server).stdin(items)
}

/// A folder with the file `items`.
fn with_items(items: impl AsRef<[u8]>) -> Folder {
    folder().with("items", items)
}

/// This many items.
fn numbered(count: usize) -> String {
    (1..=count).map(|number| format!("item {number}\n")).collect()
}

/// What this field of each result says.
fn each<'a>(results: &'a [Value], field: &str) -> Vec<&'a str> {
    results.iter().map(|result| result[field].as_str().unwrap_or("no string")).collect()
}

/// How many items were answered, failed and skipped, as the last line tells it.
fn summary(answered: usize, failed: usize, skipped: usize) -> String {
    format!("anyask: {answered} answered, {failed} failed, {skipped} skipped; ")
}
