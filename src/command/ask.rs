//! One question: from the prompt to the answer on stdout.

use anyhow::Result;

use super::exchange::{Asker, exchange};
use super::log;
use super::outcome::Outcome;
use super::session::Session;
use super::signals::{ENDING, Watch};
use crate::api::{Content, Message, Pace, Prepared, Request, Role, Usage, nothing_to_cache};
use crate::cli::Options;
use crate::error::{Kind, kind};
use crate::input::{self, Conversation, Prompt, Sources};
use crate::output::{self, Printer, Sink, start_spinner};

/// Asks one question.
pub fn run(mut options: Options, sources: &Sources, watch: Option<Watch>) -> Result<()> {
    let Prompt { content, stdin_was_empty } = prompt(&options, sources)?;
    // a script has started it, perhaps several times at once
    options.console.animated &= !stdin_was_empty;
    let session = Session::new(options, Pace::default())?;
    if session.has_to_clean_up() {
        session.watch_signals(&ENDING)?;
    }
    drop(watch);
    turn(&session, content)?.result
}

/// Prints the body of the request.
pub fn dry_run(options: &Options, sources: &Sources) -> Result<()> {
    let prepared = preview(options, sources)?;
    let mut sink = Sink::stdout(&options.output)?;
    sink.json(&prepared.body);
    sink.end_line_on_terminal();
    sink.flush()
}

/// Prints the request as a curl command.
pub fn curl(options: &Options, sources: &Sources) -> Result<()> {
    let prepared = preview(options, sources)?;
    let mut sink = Sink::stdout(&options.output)?;
    sink.text(&output::curl(&prepared));
    sink.flush()
}

fn prompt(options: &Options, sources: &Sources) -> Result<Prompt> {
    let console = &options.console;
    let detail = |text: &str| console.trace("*", text);
    let prompt = input::prompt(sources, |text| console.note(text), detail)?;
    if options.chat.is_none() {
        check_cache(&options.request, &prompt.content)?;
    }
    Ok(prompt)
}

/// An error if the request is to be cached and has nothing that stays the same.
fn check_cache(request: &Request, content: &Content) -> Result<()> {
    let has_earlier = !request.messages.is_empty();
    if request.cache && !request.has_system() && !has_earlier && !content.is_marked() {
        return Err(nothing_to_cache().into());
    }
    Ok(())
}

fn preview(options: &Options, sources: &Sources) -> Result<Prepared> {
    let Prompt { content, .. } = prompt(options, sources)?;
    let mut conversation = options.chat.as_deref().map(Conversation::peek).transpose()?;
    request(options, conversation.as_mut(), content)?.prepare(&options.endpoint)
}

/// The request for a question: the conversation so far, the question, and the first words of the answer.
fn request(
    options: &Options,
    conversation: Option<&mut Conversation>,
    content: Content,
) -> Result<Request> {
    let mut request = options.request.clone();
    if let Some(conversation) = conversation {
        request.system = request.system.or_else(|| conversation.system.clone());
        request.messages.append(&mut conversation.messages);
    }
    check_cache(&request, &content)?;
    request.messages.push(Message::user(content));
    request.messages.extend(options.prefill.as_ref().map(Message::assistant));
    Ok(request)
}

/// What became of a question that was asked.
pub struct Turn {
    /// The conversation has the question and its answer.
    pub is_appended: bool,
    pub result: Result<()>,
}

/// Asks one question, prints the answer and reports about it. Adds the turn to the conversation, if there is one.
pub fn turn(session: &Session, content: Content) -> Result<Turn> {
    let Options { chat, output, console, .. } = &session.options;
    let notify = |text: &str| console.note(text);
    let conversation =
        chat.as_deref().map(|path| Conversation::open(path, notify, || session.pace.is_stopped()));
    let mut conversation = conversation.transpose()?;
    let mut request = request(&session.options, conversation.as_mut(), content)?;
    let prepared = request.prepare(session.client.endpoint())?;
    // --check may add messages after it
    let question = request.messages.iter().rposition(|message| message.role == Role::User);
    let sink = Sink::open(output, &session.temp_file)?;
    let mut printer = Printer::new(output, sink, console);
    start_spinner(console);
    let asker = Asker::Question(&mut printer);
    let mut outcome = exchange(session, &session.client, console, &mut request, prepared, asker);
    console.stop_live();
    let mut is_appended = false;
    if let (true, Some(conversation), Some(question)) = (outcome.complete, conversation, question) {
        let system = request.system.as_deref();
        let content = &mut request.messages[question].content;
        content.unmark();
        let appended = conversation.append(system, content, &outcome.answer.text, notify);
        if let (Some(earlier), Err(_)) = (&outcome.write_error, &appended) {
            console.failure(earlier);
        }
        is_appended = appended.is_ok();
        outcome.write_error = appended.err().or(outcome.write_error);
    }
    outcome.write_error = outcome.write_error.or(session.sync_recordings().err());
    let logged = log::append(&outcome, session, &request.model, None);
    outcome.write_error = outcome.write_error.or(logged.err());
    Ok(Turn { is_appended, result: report(session, outcome) })
}

/// Reports what the answer cost and whether it stopped short, also if it failed.
fn report(session: &Session, outcome: Outcome) -> Result<()> {
    let Options { usage, console, .. } = &session.options;
    let Outcome { answer, result, complete, stats, cost, short, write_error, .. } = outcome;
    if result.as_ref().is_err_and(|error| kind(error) == Kind::ReaderGone) {
        return result;
    }
    if *usage && (complete || answer.usage != Usage::default()) {
        console.tell(output::usage_line(&answer, &stats.limits, cost));
    }
    let is_error = |error| kind(error) == Kind::StoppedShort;
    if let Some(short) = short.filter(|_| !result.as_ref().is_err_and(is_error)) {
        console.note(short);
    }
    match (result, write_error) {
        (Err(error), Some(write_error)) => {
            console.failure(&write_error);
            Err(error)
        }
        (result, write_error) => result.and(write_error.map_or(Ok(()), Err)),
    }
}
