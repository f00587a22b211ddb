//! One question and its answer: what asking, chatting and batches share.

use std::time::Instant;

use anyhow::{Error, Result};

use super::check::{Complaint, check};
use super::session::Session;
use crate::api::{
    Answer, Candidate, Client, Content, Head, Message, Prepared, Price, Progress, Reply, Request,
    Sent, Usage, Wanted, stopped,
};
use crate::cli::Options;
use crate::error::{Failure, Kind, kind};
use crate::output::{self, Format, Printer, Record};

/// What became of one question.
pub struct Outcome {
    /// Its usage is that of all answers that it took.
    pub answer: Answer,
    pub result: Result<()>,
    /// The head that the last attempt got.
    pub head: Option<Head>,
    /// The estimated cost in dollars; `None` if the server did not count the tokens.
    pub cost: Option<f64>,
    /// Why the answer stopped short, if it did.
    pub short: Option<Failure>,
    /// It is a recorded answer.
    pub replayed: bool,
    /// The log, the recording or the conversation could not be written.
    pub write_error: Option<Error>,
}

/// One question on its way.
pub struct Exchange<'a> {
    session: &'a Session,
    client: &'a Client,
    request: &'a mut Request,
    prepared: Prepared,
    /// Where the item stands, if it is one of a batch.
    line: Option<u64>,
    /// The models that may be asked from now on. The first one is asked.
    models: Vec<(Candidate, String)>,
    usage: Usage,
    cost: Option<f64>,
    requests: u32,
    /// An answer could not be recorded.
    write_error: Option<Error>,
}

/// What one model answered.
struct Received {
    answer: Answer,
    result: Result<()>,
    head: Option<Head>,
    attempts: u32,
    /// It is a recorded answer.
    replayed: bool,
    short: Option<Failure>,
}

impl<'a> Exchange<'a> {
    /// A question whose request is prepared. The messages of `request` are needed only for `--check`.
    pub fn new(
        session: &'a Session,
        client: &'a Client,
        request: &'a mut Request,
        prepared: Prepared,
        line: Option<u64>,
    ) -> Self {
        let models = session.fallback.models(&request.model);
        Self {
            session,
            client,
            request,
            prepared,
            line,
            models,
            usage: Usage::default(),
            cost: None,
            requests: 0,
            write_error: None,
        }
    }

    /// Sends the request until there is an answer that may be printed. The printer, if there is one, prints it.
    /// Afterwards the request names the model that was asked last.
    pub fn run(mut self, mut printer: Option<&mut Printer>) -> Outcome {
        let begun = Instant::now();
        let mut retries = self.session.options.check_retries;
        let mut received = loop {
            let received = self.ask(printer.as_deref_mut());
            match self.check(&received, retries) {
                Ok(true) => retries -= 1,
                Ok(false) => break received,
                Err(error) => break Received { result: Err(error), ..received },
            }
        };
        received.answer.usage = self.usage;
        let console = &self.session.options.console;
        if let Some(warning) = &received.answer.warning {
            output::show_note(console, self.line, warning);
        }
        let received = self.print(received, printer);
        let seconds = begun.elapsed().as_secs_f64();
        console.trace("*", format_args!("the answer ended after {seconds:.3} s"));
        let logged = self.log(&received, seconds);
        let write_error = self.write_error.take().or(logged.err());
        let Received { answer, result, head, replayed, short, .. } = received;
        Outcome { answer, result, head, cost: self.cost, short, replayed, write_error }
    }

    /// Asks one model after the other where they fail, and reads the answer to its end. The printer prints what is
    /// printed as it arrives.
    fn ask(&mut self, printer: Option<&mut Printer>) -> Received {
        let Sent { reply, attempts, head, replayed } = self.send();
        let (answer, result) = match reply {
            Ok(mut reply) => {
                let result = print_chunks(&mut reply, printer);
                (reply.into_answer(), result)
            }
            Err(error) => (Answer::default(), Err(error)),
        };
        let price = if replayed {
            Price::FREE
        } else {
            self.session.options.prices.of(&self.request.model)
        };
        let cost = price.cost(&answer.usage);
        self.cost = self.cost.into_iter().chain(cost).reduce(|one, other| one + other);
        self.usage.add(&answer.usage);
        let short = output::stopped_short(&answer, self.request.max_tokens);
        let recorded = head.as_ref().filter(|_| !replayed).map(|head| self.record(head, &answer));
        self.write_error = self.write_error.take().or(recorded.and_then(Result::err));
        Received { answer, result, head, attempts, replayed, short }
    }

    /// Records an answer of a server, if it is complete, with text or without.
    fn record(&self, head: &Head, answer: &Answer) -> Result<()> {
        let recordings = self.session.recordings.as_ref();
        match recordings.filter(|_| answer.complete && answer.problem.is_none()) {
            Some(recordings) => {
                recordings.add(&self.prepared, head, answer, &self.session.options.console)
            }
            None => Ok(()),
        }
    }

    fn send(&mut self) -> Sent {
        let Session { options, fallback, .. } = self.session;
        let (console, line, output) = (&options.console, self.line, &options.output);
        let wanted = Wanted {
            // a conversation, a batch and a check need it, and some formats print it at the end
            text: options.chat.is_some() || line.is_some() || !output.prints_chunks(),
            message: output.format == Format::Json,
            events: output.format == Format::Events,
            body: options.record.is_some(),
            prefill: options.prefill.clone(),
        };
        let mut on_progress = |progress: Progress| output::show(console, line, &progress);
        loop {
            let (candidate, model) = &self.models[0];
            self.request.set_model(model, &mut self.prepared);
            let sent = match self.replay(&wanted) {
                Some(sent) => sent,
                None => self.client.send(&self.prepared, *candidate, &wanted, &mut on_progress),
            };
            self.requests += sent.attempts;
            match (fallback.failure(model, &sent), self.models.get(1)) {
                (Some(error), Some((_, next))) => output::show_fallback(console, line, error, next),
                _ => return sent,
            }
            self.models.remove(0);
        }
    }

    /// The recorded answer, if there is one, or the error that there is none where nothing is to be sent.
    fn replay(&self, wanted: &Wanted) -> Option<Sent> {
        let console = &self.session.options.console;
        let found = self.session.recordings.as_ref()?.find(&self.prepared).transpose()?;
        Some(match found {
            Ok((recorded, place)) => {
                console.trace("*", format_args!("the answer is replayed from {place}"));
                let (content_type, body) = recorded.into_parts();
                self.client.replay(content_type.as_deref(), body, wanted.clone())
            }
            Err(error) => Sent::unsent(error),
        })
    }

    /// Has the answer judged by `--check`. Gives whether the model is to be asked again, which is prepared then. An answer
    /// that is rejected for good is an error.
    fn check(&mut self, received: &Received, retries: u32) -> Result<bool> {
        let Options { check: command, strict, output, console, .. } = &self.session.options;
        let Received { answer, short, .. } = received;
        let has_content = answer.has_text || output.format == Format::Json;
        let is_judged = received.result.is_ok() && has_content && !(*strict && short.is_some());
        let Some(command) = command.as_ref().filter(|_| is_judged) else { return Ok(false) };
        let content = output::printable(output.format, answer)?;
        // in a batch, the first Ctrl-C lets it finish
        let running = self.line.map(|_| &self.session.checks);
        let Some(complaint) = check(command, content, running)? else {
            return Ok(false);
        };
        for line in answer.text.lines() {
            console.trace("<", line);
        }
        if retries == 0 || !complaint.is_judgement() {
            return Err(complaint.failure().into());
        }
        if self.session.pace.is_stopped() {
            return Err(stopped());
        }
        output::show_note(
            console,
            self.line,
            format_args!("{complaint}; it is asked again, which is charged"),
        );
        self.add_feedback(&answer.text, &complaint)?;
        Ok(true)
    }

    /// Goes on with the conversation: the rejected answer, and why it is rejected.
    fn add_feedback(&mut self, answer: &str, complaint: &Complaint) -> Result<()> {
        let prefill = &self.session.options.prefill;
        let messages = &mut self.request.messages;
        if prefill.is_some() {
            // the answer begins with it
            messages.pop();
        }
        if !answer.is_empty() {
            messages.push(Message::assistant(answer));
        }
        messages.push(Message::user(Content::Text(complaint.feedback())));
        messages.extend(prefill.as_ref().map(Message::assistant));
        self.prepared = self.request.prepare(self.client.endpoint())?;
        Ok(())
    }

    /// Prints what is printed of a complete answer.
    fn print(&self, received: Received, printer: Option<&mut Printer>) -> Received {
        let Options { check, strict, .. } = &self.session.options;
        let checked = received.answer.check();
        let is_unjudged = check.is_some() && *strict && received.short.is_some();
        let ended = printer.map_or(Ok(()), |printer| {
            let has_content = checked.is_ok() || printer.prints_without_text();
            let complete = received.result.is_ok() && has_content && !is_unjudged;
            printer.finish(&received.answer, complete)
        });
        let result = received.result.and(ended).and(checked.map_err(Into::into));
        Received { result, ..received }
    }

    fn log(&self, received: &Received, seconds: f64) -> Result<()> {
        let Session { options, log, .. } = self.session;
        let Received { answer, result, short, .. } = received;
        let record = Record {
            host: self.client.endpoint().host(),
            model: &self.request.model,
            head: received.head.as_ref(),
            answer,
            cost: self.cost,
            attempts: received.attempts,
            requests: self.requests,
            replayed: received.replayed,
            seconds,
            exit: match result {
                Err(error) => kind(error) as u8,
                Ok(()) if options.strict && short.is_some() => Kind::StoppedShort as u8,
                Ok(()) => 0,
            },
        };
        let log = log.as_ref().filter(|_| self.requests > 0 || received.replayed);
        log.map_or(Ok(()), |log| log.append(&record, &options.console))
    }
}

fn print_chunks(reply: &mut Reply, mut printer: Option<&mut Printer>) -> Result<()> {
    while let Some(chunk) = reply.next_chunk()? {
        if let Some(printer) = &mut printer {
            printer.print(&chunk)?;
        }
    }
    Ok(())
}
