//! The answer's text as it arrives, unchanged but for a final newline where it has none.

use anyhow::Result;

use super::{Out, Printer};
use crate::api::Listener;

pub struct Text {
    out: Out,
}

impl Text {
    pub fn new(out: Out) -> Self {
        Self { out }
    }
}

impl Listener for Text {
    fn text(&mut self, text: &str) {
        self.out.text(text);
    }

    fn pause(&mut self) -> Result<()> {
        self.out.write()
    }
}

impl Printer for Text {
    fn end(&mut self, whole: bool) -> Result<()> {
        self.out.end_line();
        self.out.finish(whole)
    }
}
