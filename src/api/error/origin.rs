//! Errors about a file or a line of a conversation: their hints name it.

use serde::Deserialize;

use crate::api::json::Fields;
use crate::api::request::Prepared;
use crate::error::{Failure, Kind};

/// How many names a hint has at most.
const MOST_NAMES: usize = 3;

/// A content block as it is sent.
#[derive(Deserialize)]
struct Block {
    #[serde(rename = "type")]
    kind: String,
}

/// The hint for an error with these words, if they name a message or a block of it, or speak of a picture or a PDF.
pub fn origin_hint(failure: &Failure, words: &str, request: &Prepared) -> Option<String> {
    if failure.kind != Kind::Refused || failure.hint.is_some() {
        return None;
    }
    let exact = position(words).and_then(|(message, block)| request.origin(message, block));
    let names =
        exact.map_or_else(|| attachments(&words.to_lowercase(), request), |name| vec![name]);
    let (first, others) = names.split_at(names.len().min(MOST_NAMES));
    let others = match others.len() {
        0 => String::new(),
        1 => " and 1 other".into(),
        count => format!(" and {count} others"),
    };
    (!first.is_empty()).then(|| format!("check {}{others}", first.join(", ")))
}

/// The numbers of a message and of its block, which are written as `messages.0.content.2` or `messages[0].content[2]`.
fn position(words: &str) -> Option<(usize, Option<usize>)> {
    let (_, path) = words.split_once("messages")?;
    let path = path.strip_prefix(['.', '[', '/'])?;
    let mut parts = path.split(['.', '[', ']', '/', ':', ' ']).filter(|part| !part.is_empty());
    let message = parts.next()?.parse().ok()?;
    let block = parts.next().filter(|part| *part == "content").and_then(|_| parts.next());
    Some((message, block.and_then(|block| block.parse().ok())))
}

/// The names of all pictures or PDFs, if the words speak of one, the newest message first.
fn attachments<'a>(words: &str, request: &'a Prepared) -> Vec<&'a str> {
    let is_meant = |block: &Block| match &*block.kind {
        "image" => words.contains("image"),
        "document" => words.contains("pdf"),
        _ => false,
    };
    let fields: Fields = serde_json::from_slice(&request.body).unwrap_or_default();
    let messages: Vec<Fields> = fields.read("messages").unwrap_or_default();
    let mut names = Vec::new();
    for (number, message) in messages.iter().enumerate().rev() {
        let blocks: Vec<Block> = message.read("content").unwrap_or_default();
        let meant = (0..).zip(&blocks).filter(|(_, block)| is_meant(block));
        names.extend(meant.filter_map(|(block, _)| request.origin(number, Some(block))));
    }
    // a line of a conversation may have several
    names.dedup();
    names
}
