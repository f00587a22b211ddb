//! A conversation line by line: each line that is typed is a turn.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustyline::error::ReadlineError;
use rustyline::{Behavior, Config, DefaultEditor};

use super::interrupt::on_ctrl_c;
use super::turn::Asker;
use crate::api::Content;
use crate::error::{Failure, Kind};
use crate::output::{self, Console, Stdout};
use crate::settings::{Ask, Way};

/// Talks until the end of the input. An error ends a turn, and so does Ctrl-C; neither ends the conversation.
pub fn run(ask: Ask, stdout: Stdout, console: Console) -> Result<()> {
    let asker = Asker::new(ask, stdout, console)?;
    asker.check_chat()?;
    let cannot = || Failure::new(Kind::Local, "cannot read from the terminal");
    let client = Arc::clone(&asker.client);
    on_ctrl_c(move || client.stop())?;
    // what is typed is no answer, so it is not shown where the answers go
    let behavior = if stdout.terminal {
        Behavior::Stdio
    } else {
        Behavior::PreferTerm
    };
    let config = Config::builder().behavior(behavior).build();
    let mut editor = DefaultEditor::with_config(config).with_context(cannot)?;
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
            .question(Content::Text(line), Way::Send)
            .and_then(|question| asker.answer(question, asker.open()?));
        match answered {
            Ok(()) => {}
            Err(error) if output::is_reader_gone(&error) => return Err(error),
            Err(_) if asker.client.is_stopped() => {
                console.note("stopped; the conversation is as it was before the question");
            }
            Err(error) => {
                console.failure(&error);
            }
        }
    }
}
