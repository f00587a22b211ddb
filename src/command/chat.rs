//! A conversation on a terminal: each line that is typed is a question.

use std::sync::Arc;

use anyhow::{Context, Result};
use rustyline::error::ReadlineError;
use rustyline::{Behavior, Config, DefaultEditor};

use super::session::{Requests, Session};
use super::signals::{ENDING, INTERRUPT, on_signal};
use crate::api::Content;
use crate::cli::Options;
use crate::error::{Failure, Kind, kind};
use crate::input::Conversation;

/// Asks line by line until Ctrl-D. An error or Ctrl-C ends a turn, but not the conversation.
pub fn run(mut options: Options) -> Result<()> {
    let cannot = || Failure::new(Kind::Local, "cannot read from the terminal");
    // what is wrong with the file is told before the first question
    options.chat.as_deref().map(Conversation::peek).transpose()?;
    // a spinner would mix with what is typed ahead
    options.console.animated = false;
    // what is typed is not a part of the answers, so it is shown on stdout only where that is the terminal
    let behavior = if options.output.terminal { Behavior::Stdio } else { Behavior::PreferTerm };
    let session = Arc::new(Session::new(options, Requests::InTurn)?);
    let stopping = Arc::clone(&session);
    let others: Vec<i32> = ENDING.into_iter().filter(|signal| *signal != INTERRUPT).collect();
    session.watch_temp_file(&others)?;
    on_signal(&[INTERRUPT], move |_| stopping.client.abort())?;
    let config = Config::builder().behavior(behavior).build();
    let mut editor = DefaultEditor::with_config(config).with_context(cannot)?;
    loop {
        let lines = match editor.readline("> ") {
            Ok(lines) => lines,
            // Ctrl-C drops what was typed
            Err(ReadlineError::Interrupted) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).with_context(cannot),
        };
        // what is pasted may have several lines
        for line in lines.lines().filter(|line| !line.trim().is_empty()) {
            let _ = editor.add_history_entry(line);
            session.ask(line)?;
            if session.pace.is_stopped() {
                break;
            }
        }
    }
}

impl Session {
    /// Asks one question of a conversation, and tells what went wrong.
    fn ask(&self, question: &str) -> Result<()> {
        self.pace.resume();
        let console = &self.options.console;
        match self.turn(Content::Text(question.into())) {
            Ok(()) => {}
            Err(error) if kind(&error) == Kind::ReaderGone => return Err(error),
            Err(_) if self.pace.is_stopped() => {
                console.note("stopped; the conversation is as it was before the question");
            }
            Err(error) => {
                console.failure(&error);
            }
        }
        Ok(())
    }
}
