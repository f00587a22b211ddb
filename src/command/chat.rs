//! A conversation on a terminal: each typed line is a question.

use std::mem::take;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustyline::error::ReadlineError;
use rustyline::{Behavior, Config, DefaultEditor};

use super::ask::turn;
use super::session::Session;
use super::signals::{ENDING, INTERRUPT, Watch, on_signal};
use crate::api::{Content, Pace};
use crate::cli::Options;
use crate::error::{Failure, Kind, kind};
use crate::input::Conversation;
use crate::output::Sink;
use crate::output::terminal::sanitize;

/// The longest question in the history, in bytes. A longer one was not typed, and would fill the screen.
const LONGEST_RECALLED: usize = 4096;

/// Asks line by line until Ctrl-D, `exit` or `quit`. An error or Ctrl-C ends a turn, but not the conversation.
pub fn run(mut options: Options, watch: Option<Watch>) -> Result<()> {
    let cannot = || Failure::new(Kind::Local, "cannot read from the terminal");
    // an error in the file is reported before the first question
    let conversation = options.chat.as_deref().map(Conversation::peek).transpose()?;
    let questions = |conversation: Conversation| conversation.questions().collect();
    let earlier: Vec<Option<String>> = conversation.map_or_else(Vec::new, questions);
    // a spinner would mix with text that is typed while it runs
    options.console.animated = false;
    // typed text is not a part of the answers, so it appears on stdout only if stdout is the terminal
    let behavior = if options.output.terminal { Behavior::Stdio } else { Behavior::PreferTerm };
    let session = Arc::new(Session::new(options, Pace::default())?);
    let stopping = Arc::clone(&session);
    let others: Vec<i32> = ENDING.into_iter().filter(|signal| *signal != INTERRUPT).collect();
    session.watch_signals(&others)?;
    on_signal(&[INTERRUPT], move |_| stopping.client.abort())?;
    drop(watch);
    let config = Config::builder().behavior(behavior).build();
    let mut editor = DefaultEditor::with_config(config).with_context(cannot)?;
    greet(&session, earlier.len());
    for question in earlier.into_iter().flatten().filter(|question| is_recallable(question)) {
        let _ = editor.add_history_entry(as_typed(&question));
    }
    let mut question = String::new();
    loop {
        let prompt = if question.is_empty() { "> " } else { "... " };
        let lines = match editor.readline(prompt) {
            Ok(lines) => lines,
            Err(ReadlineError::Interrupted) => {
                // Ctrl-C drops what was typed
                question.clear();
                continue;
            }
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error).with_context(cannot),
        };
        // pasted text may have several lines
        for line in lines.split('\n') {
            if let Some(line) = line.strip_suffix('\\') {
                question.extend([line, "\n"]);
                continue;
            }
            let question = take(&mut question) + line;
            match question.trim() {
                "" => continue,
                "exit" | "quit" => return Ok(()),
                _ => {}
            }
            let _ = editor.add_history_entry(as_typed(&question));
            ask(&session, question)?;
            if session.pace.is_stopped() {
                break;
            }
        }
    }
}

/// Whether the editor can display it. An earlier question may have come from a pipe, with any characters.
fn is_recallable(question: &str) -> bool {
    question.len() <= LONGEST_RECALLED && sanitize(question) == question
}

/// A question as it is typed: a backslash at the end of a line continues it on the next line.
fn as_typed(question: &str) -> String {
    question.replace('\n', "\\\n")
}

/// Notes the model, the number of earlier turns, and how to end.
fn greet(session: &Session, earlier: usize) {
    let turns = match earlier {
        0 => "no earlier turns".into(),
        1 => "1 earlier turn".into(),
        _ => format!("{earlier} earlier turns"),
    };
    let Options { request, console, .. } = &session.options;
    console.note(format!("{}, {turns}; end with Ctrl-D", request.model));
}

/// Asks one question of the conversation, and prints its error. Returns only errors that end the conversation.
fn ask(session: &Session, question: String) -> Result<()> {
    session.pace.resume();
    let Options { console, output, .. } = &session.options;
    match turn(session, Content::Text(question)) {
        Ok(()) => {}
        Err(error) if kind(&error) == Kind::ReaderGone => return Err(error),
        Err(_) if session.pace.is_stopped() => {
            console.note("stopped; the conversation is as it was before the question");
        }
        Err(error) => {
            console.failure(&error);
        }
    }
    if !output.terminal {
        return Ok(());
    }
    // a blank line before the next turn
    let mut sink = Sink::stdout(output)?;
    sink.bytes(b"\n");
    sink.flush()
}
