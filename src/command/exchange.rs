//! One question and its answer: what asking, chatting and batches share.

use std::time::Instant;

use anyhow::Result;

use super::check::{Rejection, check};
use super::outcome::Outcome;
use super::session::Session;
use super::spending::{OnRequest, Spending};
use crate::api::{
    Answer, Client, Content, Cost, Message, Prepared, Progress, Reply, Request, Retain, Sent,
    State, Stats, TimeLimit, stopped,
};
use crate::cli::Options;
use crate::error::{Kind, kind};
use crate::output::{
    Console, Format, Printer, note_fallback, printable, show_progress, start_spinner, stopped_short,
};

/// How many other keys an item of a batch is tried with: a key command may print another one each time.
const MOST_KEYS: u32 = 9;

/// Who asks.
pub enum Asker<'a> {
    /// A single question. The printer prints its answer.
    Question(&'a mut Printer<'a>),
    /// An item of a batch.
    Item {
        /// What the command of `--check` finds in its environment.
        variables: &'a [(&'a str, String)],
        on_request: OnRequest<'a>,
    },
}

/// Asks a question until there is an answer that may be printed.
///
/// The request is prepared already. Afterwards it names the model that was asked last, and has what `--check` added.
pub fn exchange(
    session: &Session,
    client: &Client,
    console: &Console,
    request: &mut Request,
    prepared: Prepared,
    asker: Asker,
) -> Outcome {
    let begun = Instant::now();
    let (mut printer, variables, on_request): (_, _, OnRequest) = match asker {
        Asker::Question(printer) => (Some(printer), &[][..], &|_, _| ()),
        Asker::Item { variables, on_request } => (None, variables, on_request),
    };
    let models = session.fallback.models(&request.model);
    let limit = client.endpoint().max_time.map(TimeLimit::new);
    let mut exchange = Exchange {
        session,
        client,
        console,
        request,
        prepared,
        models,
        limit,
        variables,
        in_batch: printer.is_none(),
        spending: Spending::new(on_request),
    };
    let mut outcome = exchange.ask(printer.as_deref_mut());
    for retries in (0..=session.options.check_retries).rev() {
        match exchange.check(&outcome, retries) {
            Ok(true) => outcome = exchange.ask(printer.as_deref_mut()).after(outcome),
            Ok(false) => break,
            Err(error) => {
                outcome.result = Err(error);
                break;
            }
        }
    }
    let mut outcome = exchange.finish(outcome, printer);
    for note in &outcome.answer.notes {
        console.note(note);
    }
    outcome.seconds = begun.elapsed().as_secs_f64();
    console.trace("*", format_args!("the answer ended after {:.3} s", outcome.seconds));
    outcome
}

/// One question on its way.
struct Exchange<'a> {
    session: &'a Session,
    client: &'a Client,
    console: &'a Console,
    request: &'a mut Request,
    prepared: Prepared,
    /// The models that may be asked from now on. The first one is asked.
    models: Vec<String>,
    limit: Option<TimeLimit>,
    /// What the command of `--check` finds in its environment.
    variables: &'a [(&'a str, String)],
    in_batch: bool,
    spending: Spending<'a>,
}

impl Exchange<'_> {
    /// Asks one model after the other where they fail, and reads the answer to its end. The printer prints what is
    /// printed as it arrives.
    fn ask(&mut self, printer: Option<&mut Printer>) -> Outcome {
        let Sent { reply, stats } = self.send();
        let (mut answer, result) = match reply {
            Ok(mut reply) => {
                let result = read_to_end(&mut reply, printer);
                (reply.into_answer(), result)
            }
            Err(error) => (Answer::default(), Err(error)),
        };
        let cost = if stats.replayed {
            Some(Cost::default())
        } else {
            self.session.options.prices.cost(&self.request.model, &answer.usage)
        };
        self.spending.add(&answer.usage, cost);
        answer.usage = self.spending.usage;
        Outcome {
            cost: self.spending.cost,
            short: stopped_short(&answer, self.request.max_tokens()),
            write_error: self.record(&stats, &mut answer).err(),
            answer,
            result,
            complete: false,
            stats,
            seconds: 0.0,
        }
    }

    /// Records an answer of a server, if it is complete, with text or without.
    fn record(&self, stats: &Stats, answer: &mut Answer) -> Result<()> {
        let is_new = !stats.replayed && answer.state == State::Complete && answer.problem.is_none();
        match (&self.session.recordings, &stats.head) {
            (Some(recordings), Some(head)) if is_new => {
                recordings.add(&self.prepared, head, answer)
            }
            _ => Ok(()),
        }
    }

    /// Gets an answer: a recorded one, or that of one model after the other where they fail.
    fn send(&mut self) -> Sent {
        let retain = self.retain();
        match self.replay(&retain) {
            Ok(None) => self.ask_models(&retain).unwrap_or_else(Sent::unsent),
            Ok(Some(sent)) => sent,
            Err(error) => Sent::unsent(error),
        }
    }

    fn retain(&self) -> Retain {
        let Options { output, chat, record, prefill, .. } = &self.session.options;
        Retain {
            // a conversation, a batch and a check need it, and some formats print it at the end
            text: chat.is_some() || self.in_batch || !output.stream,
            message: output.format == Format::Json,
            events: output.format == Format::Events,
            body: record.is_some(),
            printed: !self.in_batch && output.stream,
            prefill: prefill.clone(),
        }
    }

    /// Looks the request up in the recordings, for every model that may be asked. An error if it is missing and
    /// `--record` was not given.
    fn replay(&mut self, retain: &Retain) -> Result<Option<Sent>> {
        let recordings = self.session.recordings.as_ref().filter(|all| all.are_replayed());
        let Some(recordings) = recordings else { return Ok(None) };
        let own = self.request.model.clone();
        for model in self.session.fallback.all_models(&own) {
            self.set_model(&model)?;
            if let Some((record, origin)) = recordings.find(&self.prepared) {
                self.console.trace("*", format_args!("the answer is replayed from {origin}"));
                let (content_type, body) = (record.content_type, record.body.into_bytes());
                return Ok(Some(self.client.replay(content_type.as_deref(), body, retain.clone())));
            }
        }
        self.set_model(&own)?;
        recordings.require_answer(&self.prepared)?;
        Ok(None)
    }

    fn ask_models(&mut self, retain: &Retain) -> Result<Sent> {
        let (console, prices) = (self.console, &self.session.options.prices);
        let (mut requests, mut keys) = (0, 0);
        loop {
            let model = self.models[0].clone();
            self.set_model(&model)?;
            let spending = &mut self.spending;
            let mut on_progress = |progress: Progress| match progress {
                Progress::Failed(usage) => spending.add(usage, prices.cost(&model, usage)),
                progress => show_progress(console, &progress),
            };
            let limit = self.limit.as_ref();
            let mut sent =
                self.client.send(&self.prepared, &model, retain, limit, &mut on_progress);
            sent.stats.requests += requests;
            requests = sent.stats.requests;
            let is_refused = |error| kind(error) == Kind::KeyRejected;
            let is_refused = sent.reply.as_ref().err().is_some_and(is_refused);
            let may_renew = is_refused && self.in_batch && keys < MOST_KEYS;
            if may_renew && self.session.renew_key(&self.prepared) {
                keys += 1;
                self.prepared = self.request.prepare(self.client.endpoint())?;
                continue;
            }
            match (self.session.fallback.failure(&model, &sent), self.models.get(1)) {
                (Some(error), Some(next)) => note_fallback(console, error, next),
                _ => return Ok(sent),
            }
            self.models.remove(0);
        }
    }

    /// Prepares the request for this model.
    fn set_model(&mut self, model: &str) -> Result<()> {
        if model != self.request.model {
            self.request.model = model.into();
            self.prepared = self.request.prepare(self.client.endpoint())?;
        }
        Ok(())
    }

    /// Has the answer judged by `--check`, and returns whether the model is to be asked again, which is prepared then.
    /// An answer that is rejected for good is an error.
    fn check(&mut self, outcome: &Outcome, retries: u32) -> Result<bool> {
        let is_judged = outcome.result.is_ok() && !self.is_too_short(outcome);
        let command = self.session.options.check.as_ref().filter(|_| is_judged);
        let Some(command) = command else { return Ok(false) };
        let answer = &outcome.answer;
        if answer.problem.is_some() {
            return Ok(false);
        }
        let judged = self.judge(command, answer);
        // an answer that could not be judged was paid for, too; the row of an item has it
        let is_lost = judged.is_err() && !self.in_batch;
        if is_lost || self.console.verbose && !matches!(judged, Ok(None)) {
            self.console.answer(&answer.text);
        }
        let Some(rejection) = judged? else { return Ok(false) };
        if retries == 0 || !rejection.is_judgement() {
            return Err(rejection.failure().into());
        }
        if self.session.pace.is_stopped() {
            return Err(stopped().into());
        }
        let charged = if self.session.options.is_offline() { "" } else { ", which is charged too" };
        self.console.note(format_args!("{rejection}; asking again{charged}"));
        self.add_feedback(&answer.text, &rejection)?;
        Ok(true)
    }

    /// Why the answer does not pass, if it does not.
    fn judge(&self, command: &str, answer: &Answer) -> Result<Option<Rejection>> {
        let format = self.session.options.output.format;
        // JSON is printed without text, too
        let has_text = if format == Format::Json { Ok(()) } else { answer.require_text() };
        let content = match has_text.and_then(|()| printable(format, answer)) {
            Ok(content) => content,
            Err(failure) => return Ok(Some(Rejection::NoContent(failure))),
        };
        if !self.in_batch {
            // the command may ask on the terminal
            self.console.stop_live();
            self.session.keyboard.restore();
        }
        let judged =
            check(command, content, self.variables, &self.session.checks, self.limit.as_ref());
        if !self.in_batch {
            self.session.keyboard.mute();
            start_spinner(self.console);
        }
        judged
    }

    /// Goes on with the conversation: the rejected answer, and why it is rejected.
    fn add_feedback(&mut self, answer: &str, rejection: &Rejection) -> Result<()> {
        let prefill = &self.session.options.prefill;
        let messages = &mut self.request.messages;
        if prefill.is_some() {
            // the answer begins with it
            messages.pop();
        }
        if !answer.is_empty() {
            messages.push(Message::assistant(answer));
        }
        messages.push(Message::user(Content::Text(rejection.feedback())));
        messages.extend(prefill.as_ref().map(Message::assistant));
        self.prepared = self.request.prepare(self.client.endpoint())?;
        Ok(())
    }

    /// Whether the answer fails because it stopped short.
    fn is_too_short(&self, outcome: &Outcome) -> bool {
        self.session.options.strict && outcome.short.is_some()
    }

    /// Prints what is left to print of a complete answer, ends the output of any other, and decides the result.
    fn finish(&self, mut outcome: Outcome, printer: Option<&mut Printer>) -> Outcome {
        let is_too_short = self.is_too_short(&outcome);
        let is_unjudged = self.session.options.check.is_some() && is_too_short;
        let has_text = outcome.answer.require_text();
        let ended = printer.map_or(Ok(()), |printer| {
            let has_content = has_text.is_ok() || printer.prints_without_text();
            let complete = outcome.result.is_ok() && has_content && !is_unjudged;
            printer.finish(&outcome.answer, complete)
        });
        outcome.result = outcome.result.and(ended).and(has_text.map_err(Into::into));
        outcome.complete = outcome.result.is_ok() && !is_unjudged;
        if let (Ok(()), Some(short), true) = (&outcome.result, &outcome.short, is_too_short) {
            outcome.result = Err(short.clone().into());
        }
        outcome
    }
}

/// Reads a reply to its end. The printer, if there is one, prints what is printed as it arrives.
pub fn read_to_end(reply: &mut Reply, mut printer: Option<&mut Printer>) -> Result<()> {
    while let Some(chunk) = reply.next_chunk()? {
        if let Some(printer) = &mut printer {
            printer.print(chunk)?;
        }
    }
    Ok(())
}
