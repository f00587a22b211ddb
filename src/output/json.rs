//! The answer as JSON: whole, as the server sent it, or an event a line.

use anyhow::Result;

use super::{Out, Printer};
use crate::api::{Listener, one_line};

/// The whole message.
pub struct Whole {
    out: Out,
}

impl Whole {
    pub fn new(out: Out) -> Self {
        Self { out }
    }
}

impl Listener for Whole {
    fn whole(&mut self, json: &[u8]) {
        self.out.json(json);
    }

    fn pause(&mut self) -> Result<()> {
        self.out.write()
    }
}

impl Printer for Whole {
    fn end(&mut self, whole: bool) -> Result<()> {
        self.out.end_line();
        self.out.finish(whole)
    }
}

/// Each event on a line of its own; a message that was not streamed is one line too.
pub struct Events {
    out: Out,
}

impl Events {
    pub fn new(out: Out) -> Self {
        Self { out }
    }
}

impl Listener for Events {
    fn event(&mut self, json: &str) {
        self.out.json(json.as_bytes());
        self.out.end_line();
    }

    fn whole(&mut self, json: &[u8]) {
        self.event(one_line(&String::from_utf8_lossy(json)).trim());
    }

    fn pause(&mut self) -> Result<()> {
        self.out.write()
    }
}

impl Printer for Events {
    fn end(&mut self, whole: bool) -> Result<()> {
        self.out.finish(whole)
    }
}
