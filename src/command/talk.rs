//! A conversation line by line: each line that is typed is a turn.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustyline::DefaultEditor;
use rustyline::error::ReadlineError;

use super::turn::Asker;
use crate::api::Content;
use crate::error::{Failure, Kind};
use crate::output::{self, Console, Stdout};
use crate::settings::Ask;

/// Talks until the end of the input. An error ends a turn, and so does Ctrl-C; neither ends the conversation.
pub fn run(ask: Ask, stdout: Stdout, console: Console) -> Result<()> {
    let asker = Asker::new(ask, stdout, console)?;
    let cannot = || Failure::new(Kind::Local, "cannot read from the terminal");
    let client = Arc::clone(&asker.client);
    ctrlc::set_handler(move || client.stop()).with_context(cannot)?;
    let mut editor = DefaultEditor::new().with_context(cannot)?;
    loop {
        let line = match editor.readline("> ") {
            Ok(line) => line,
            // Ctrl-C throws away what was typed
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).with_context(cannot),
        };
        if line.trim().is_empty() {
            continue;
        }
        let _ = editor.add_history_entry(&line);
        asker.client.resume();
        let answered = asker
            .question(Content::Text(line))
            .and_then(|question| asker.answer(question));
        if asker.client.is_stopped() {
            console.note("stopped; the conversation is as it was before the question");
        } else if let Err(error) = answered {
            if output::is_reader_gone(&error) {
                return Err(error);
            }
            console.failure(&error);
        }
    }
}
