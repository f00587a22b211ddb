//! Builds the user message.

use std::fmt::Write;

use anyhow::Result;

use super::attachment::attachment;
use super::text::{Replaced, Text, text};
use super::unsendable::Unsendable;
use crate::api::{Content, ContentBlock, LARGEST_REQUEST, too_large};

/// What stands behind a file.
const END: &str = "</document>";

/// The complete content blocks, and the text after them.
#[derive(Clone, Default)]
pub struct PromptBuilder {
    blocks: Vec<ContentBlock>,
    text: Text,
    /// How many of the blocks stay the same from question to question, if the server is to cache them.
    cached: usize,
    /// How many files there are.
    files: usize,
    /// The size of all files so far, in bytes.
    size: usize,
    line_numbers: bool,
}

impl PromptBuilder {
    /// An empty message, in which the lines of text files may be numbered.
    pub fn new(line_numbers: bool) -> Self {
        Self { line_numbers, ..Self::default() }
    }

    /// Adds a file under the name `path`, or says what it is instead of text, a picture or a PDF.
    pub fn add_file(&mut self, path: &str, bytes: Vec<u8>) -> Result<Option<Unsendable>> {
        self.size += bytes.len();
        if self.size > LARGEST_REQUEST {
            return Err(too_large("the files are").into());
        }
        if self.add_attachment(&bytes, path) {
            return Ok(None);
        }
        let text = match Text::recognize(bytes) {
            Ok(text) => text.in_file(path),
            Err(what) => return Ok(Some(what)),
        };
        self.files += 1;
        self.text.replaced.add(text.replaced);
        let text = if self.line_numbers { numbered(&text.text) } else { text.text };
        let line_end = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
        writeln!(self.text.text, "{}\n{text}{line_end}{END}", begin(path))?;
        Ok(None)
    }

    /// Adds a picture or a PDF; `false` if the bytes are neither.
    fn add_attachment(&mut self, bytes: &[u8], path: &str) -> bool {
        let Some(block) = attachment(bytes, path) else { return false };
        self.complete_text();
        self.blocks.push(block);
        self.files += 1;
        true
    }

    /// Has the server cache what is there so far.
    pub fn cache(&mut self) {
        self.complete_text();
        self.cached = self.blocks.len();
    }

    /// Takes back [`PromptBuilder::cache`].
    pub fn do_not_cache(&mut self) {
        self.cached = 0;
    }

    /// Adds standard input: an attachment, or unchanged text. Returns whether it was more than blanks.
    pub fn add_material(&mut self, bytes: Vec<u8>, name: &str) -> Result<bool> {
        if self.add_attachment(&bytes, "-") {
            return Ok(true);
        }
        let material = text(bytes, name)?;
        let is_blank = material.is_blank();
        if !is_blank {
            self.add(material);
        }
        Ok(!is_blank)
    }

    /// Adds text, unchanged.
    pub fn add(&mut self, text: Text) {
        self.text.push(text);
    }

    /// Adds the words that end the message, after a blank line.
    pub fn close(&mut self, words: Text) {
        self.text.push_paragraph(words);
    }

    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty() && self.text.text.is_empty()
    }

    pub fn has_no_text(&self) -> bool {
        let is_text = |block: &ContentBlock| matches!(block, ContentBlock::Text { .. });
        self.text.text.is_empty() && !self.blocks.iter().any(is_text)
    }

    /// The bytes that became U+FFFD.
    pub fn replaced(&self) -> &Replaced {
        &self.text.replaced
    }

    fn complete_text(&mut self) {
        let text = std::mem::take(&mut self.text.text);
        if !text.is_empty() {
            self.blocks.push(ContentBlock::text(text));
        }
    }

    pub fn finish(mut self) -> Content {
        if self.blocks.is_empty() {
            return Content::Text(self.text.text);
        }
        self.complete_text();
        if let Some(last) = self.cached.checked_sub(1) {
            self.blocks[last].mark();
        }
        if self.files > 1 {
            self.blocks = self.blocks.into_iter().flat_map(named).collect();
        }
        Content::Blocks(self.blocks)
    }
}

/// The text with the number of each line, as `cat -n` prints it.
fn numbered(text: &str) -> String {
    let lines = (1..).zip(text.split_inclusive('\n'));
    lines.map(|(number, line)| format!("{number:6}\t{line}")).collect()
}

/// A block with the name of its file: a picture stands between two texts, and a PDF has a title.
fn named(mut block: ContentBlock) -> Vec<ContentBlock> {
    match &mut block {
        ContentBlock::Text { .. } => vec![block],
        ContentBlock::Image { path, .. } => {
            vec![ContentBlock::text(begin(path)), block, ContentBlock::text(END.into())]
        }
        ContentBlock::Document { title, path, .. } => {
            *title = Some(path.clone());
            vec![block]
        }
    }
}

/// What stands in front of a file.
fn begin(path: &str) -> String {
    format!("<document path=\"{}\">", path.replace('&', "&amp;").replace('"', "&quot;"))
}
