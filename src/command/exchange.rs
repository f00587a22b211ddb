//! One question and its answer: what asking, chatting and batches share.

use std::time::Instant;

use anyhow::Result;

use super::check::{Rejection, check};
use super::log;
use super::outcome::Outcome;
use super::session::Session;
use crate::api::{
    Answer, Client, Content, Head, Message, Prepared, Price, Progress, Reply, Request, Retain,
    Sent, stopped,
};
use crate::cli::Options;
use crate::output::{
    Console, Format, Printer, note_fallback, printable, show_progress, stopped_short,
};

/// Asks a question until there is an answer that may be printed. The printer prints it; only a batch has none.
///
/// The request is prepared already. Afterwards it names the model that was asked last, and has what `--check` added.
pub fn exchange(
    session: &Session,
    client: &Client,
    console: &Console,
    request: &mut Request,
    prepared: Prepared,
    mut printer: Option<&mut Printer>,
) -> Outcome {
    let begun = Instant::now();
    let models = session.fallback.models(&request.model);
    let in_batch = printer.is_none();
    let mut exchange = Exchange { session, client, console, request, prepared, models, in_batch };
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
    if let Some(warning) = &outcome.answer.warning {
        console.note(warning);
    }
    let mut outcome = exchange.finish(outcome, printer);
    let seconds = begun.elapsed().as_secs_f64();
    console.trace("*", format_args!("the answer ended after {seconds:.3} s"));
    let logged = log::append(&outcome, session, &exchange.request.model, seconds);
    outcome.write_error = outcome.write_error.or(logged.err());
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
    in_batch: bool,
}

impl Exchange<'_> {
    /// Asks one model after the other where they fail, and reads the answer to its end. The printer prints what is
    /// printed as it arrives.
    fn ask(&mut self, printer: Option<&mut Printer>) -> Outcome {
        let (Sent { reply, attempts, head, limits, replayed }, requests) = self.send();
        let (answer, result) = match reply {
            Ok(mut reply) => {
                let result = read_to_end(&mut reply, printer);
                (reply.into_answer(), result)
            }
            Err(error) => (Answer::default(), Err(error)),
        };
        let price = if replayed {
            Price::FREE
        } else {
            self.session.options.prices.of(&self.request.model)
        };
        let recorded = head.as_ref().filter(|_| !replayed).map(|head| self.record(head, &answer));
        Outcome {
            cost: price.cost(&answer.usage),
            short: stopped_short(&answer, self.request.max_tokens),
            write_error: recorded.and_then(Result::err),
            answer,
            result,
            head,
            limits,
            replayed,
            attempts,
            requests,
        }
    }

    /// Records an answer of a server, if it is complete, with text or without.
    fn record(&self, head: &Head, answer: &Answer) -> Result<()> {
        let recordings = self.session.recordings.as_ref();
        match recordings.filter(|_| answer.complete && answer.problem.is_none()) {
            Some(recordings) => recordings.add(&self.prepared, head, answer, self.console),
            None => Ok(()),
        }
    }

    /// Sends the request, and returns how many it took of all models.
    fn send(&mut self) -> (Sent, u32) {
        let Session { options, fallback, .. } = self.session;
        let output = &options.output;
        let retain = Retain {
            // a conversation, a batch and a check need it, and some formats print it at the end
            text: options.chat.is_some() || self.in_batch || !output.stream,
            message: output.format == Format::Json,
            events: output.format == Format::Events,
            body: options.record.is_some(),
            prefill: options.prefill.clone(),
        };
        let console = self.console;
        let mut on_progress = |progress: Progress| show_progress(console, &progress);
        let mut requests = 0;
        loop {
            let model = &self.models[0];
            if *model != self.request.model {
                self.request.model.clone_from(model);
                match self.request.prepare(self.client.endpoint()) {
                    Ok(prepared) => self.prepared = prepared,
                    Err(error) => return (Sent::unsent(error), requests),
                }
            }
            let sent = match self.replay(&retain) {
                Some(sent) => sent,
                None => self.client.send(&self.prepared, model, &retain, &mut on_progress),
            };
            requests += sent.attempts;
            match (fallback.failure(model, &sent), self.models.get(1)) {
                (Some(error), Some(next)) => note_fallback(console, error, next),
                _ => return (sent, requests),
            }
            self.models.remove(0);
        }
    }

    /// The recorded answer, if there is one, or the error that there is none where nothing is to be sent.
    fn replay(&self, retain: &Retain) -> Option<Sent> {
        let found =
            self.session.recordings.as_ref()?.find(&self.prepared, self.console).transpose()?;
        Some(match found {
            Ok((record, origin)) => {
                self.console.trace("*", format_args!("the answer is replayed from {origin}"));
                let body = record.body.into_bytes();
                self.client.replay(record.content_type.as_deref(), body, retain.clone())
            }
            Err(error) => Sent::unsent(error),
        })
    }

    /// Has the answer judged by `--check`, and returns whether the model is to be asked again, which is prepared then.
    /// An answer that is rejected for good is an error.
    fn check(&mut self, outcome: &Outcome, retries: u32) -> Result<bool> {
        let Options { check: command, strict, output, .. } = &self.session.options;
        let Outcome { answer, short, .. } = outcome;
        let has_content = answer.has_text || output.format == Format::Json;
        let is_judged = outcome.result.is_ok() && has_content && !(*strict && short.is_some());
        let Some(command) = command.as_ref().filter(|_| is_judged) else { return Ok(false) };
        let content = printable(output.format, answer)?;
        // in a batch, the first Ctrl-C lets it finish
        let running = self.in_batch.then_some(&self.session.checks);
        let Some(rejection) = check(command, content, running)? else { return Ok(false) };
        for line in answer.text.lines() {
            self.console.trace("<", line);
        }
        if retries == 0 || !rejection.is_judgement() {
            return Err(rejection.failure().into());
        }
        if self.session.pace.is_stopped() {
            return Err(stopped().into());
        }
        self.console.note(format_args!("{rejection}; asking again, which is charged too"));
        self.add_feedback(&answer.text, &rejection)?;
        Ok(true)
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

    /// Prints what is left to print of a complete answer, ends the output of any other, and decides the result.
    fn finish(&self, outcome: Outcome, printer: Option<&mut Printer>) -> Outcome {
        let Options { check, strict, .. } = &self.session.options;
        let has_text = outcome.answer.check();
        let is_unjudged = check.is_some() && *strict && outcome.short.is_some();
        let ended = printer.map_or(Ok(()), |printer| {
            let has_content = has_text.is_ok() || printer.prints_without_text();
            let complete = outcome.result.is_ok() && has_content && !is_unjudged;
            printer.finish(&outcome.answer, complete)
        });
        let result = outcome.result.and(ended).and(has_text.map_err(Into::into));
        Outcome { result, ..outcome }
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
