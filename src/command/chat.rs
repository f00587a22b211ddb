//! A conversation on a terminal: each typed line is a question.

use std::sync::Arc;

use anyhow::Result;

use super::ask::{Turn, turn};
use super::editor::Editor;
use super::session::Session;
use super::signals::{ENDING_CONVERSATION, INTERRUPT, Watch, on_signal, on_stop};
use crate::api::{Content, Pace};
use crate::cli::{Chat, Options};
use crate::error::{Kind, kind};
use crate::input::{Conversation, PromptBuilder};
use crate::output::{Keyboard, Sink, count_of};

/// What is told about how to type.
const HELP: &str = "each line is a question; a backslash at its end goes on with a new line; \
    Ctrl-C stops an answer, and Ctrl-D or exit ends";

/// Asks line by line until Ctrl-D or a word such as `exit`. An error or Ctrl-C ends a turn, but not the conversation.
pub fn run(options: Options, chat: &Chat, watch: Option<Watch>) -> Result<()> {
    // an error in a file is reported before the first question
    let conversation = options.chat.as_deref().map(Conversation::peek).transpose()?;
    let questions = |conversation: Conversation| conversation.questions().collect();
    let earlier: Vec<Option<String>> = conversation.map_or_else(Vec::new, questions);
    let note = |text: &str| options.console.note(text);
    let mut files = chat.files.files(note, |text| options.console.trace("*", text))?;
    files.replaced().note("the files", note);
    let mut session = Session::new(options, Pace::default())?;
    if chat.has_editor {
        session.keyboard = Keyboard::of_stdin();
    }
    let session = Arc::new(session);
    watch_signals(&session)?;
    drop(watch);
    let mut editor = Editor::new(session.options.output.terminal)?;
    greet(&session, earlier.len(), !files.is_empty());
    earlier.iter().flatten().for_each(|question| editor.remember(question));
    let (console, keyboard) = (&session.options.console, &session.keyboard);
    while let Some(question) = editor.question(console, keyboard)? {
        match &*question.trim().to_lowercase() {
            "" => {}
            "exit" | "quit" | "/exit" | "/quit" | "/bye" | ":q" | "exit()" => break,
            "/help" | "?" => console.tell(HELP),
            _ => {
                editor.remember(&question);
                let mut content = files.clone();
                content.close(question.into());
                keyboard.mute();
                let asked = ask(&session, content.finish());
                keyboard.restore();
                if asked? {
                    files = PromptBuilder::default();
                }
            }
        }
    }
    Ok(())
}

/// Has Ctrl-C stop an answer. Whatever ends or stops the program leaves the terminal as it was.
fn watch_signals(session: &Arc<Session>) -> Result<()> {
    session.watch_signals(&ENDING_CONVERSATION)?;
    let (keyboard, console) = (session.keyboard.clone(), session.options.console.clone());
    on_stop(keyboard.is_usual(), move |stop| {
        console.suspend(|| {
            keyboard.restore();
            stop();
            keyboard.mute();
        });
    })?;
    let session = Arc::clone(session);
    on_signal(&[INTERRUPT], move |_| session.client.abort())
}

/// Notes the file, the model, the number of earlier turns, whether there are files, and how to end.
fn greet(session: &Session, earlier: usize, has_files: bool) {
    let turns = match earlier {
        0 => "no earlier turns".into(),
        _ => count_of(earlier as u64, "earlier turn"),
    };
    let Options { request, console, chat, .. } = &session.options;
    let name = chat.as_ref().map_or(String::new(), |path| path.display().to_string());
    let files = if has_files { "; the files go with the first question" } else { "" };
    console.note(format!("{name}: {}, {turns}{files}; end with Ctrl-D", request.model));
}

/// Asks one question of the conversation, and prints its error. Returns whether the conversation has the question now, or
/// an error that ends it.
fn ask(session: &Session, question: Content) -> Result<bool> {
    session.pace.resume();
    let Options { console, output, .. } = &session.options;
    let unasked = |error| Turn { is_appended: false, result: Err(error) };
    let Turn { is_appended, result } = turn(session, question).unwrap_or_else(unasked);
    match result {
        Ok(()) => {}
        Err(error) if kind(&error) == Kind::ReaderGone => return Err(error),
        Err(_) if session.pace.is_stopped() && !is_appended => {
            console.note("stopped; the conversation is as it was before the question");
        }
        Err(error) => {
            console.failure(&error);
        }
    }
    if output.terminal {
        // a blank line before the next turn
        let mut sink = Sink::stdout(output)?;
        sink.bytes(b"\n");
        sink.flush()?;
    }
    Ok(is_appended)
}
