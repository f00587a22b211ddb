//! One request and its answer: what asking, chatting and batches share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Error, Result};

use super::fallback::Fallback;
use super::signals::{end_by, on_signal};
use crate::api::{Answer, Client, Head, Pace, Prepared, Progress, Reply, Request, Sent, Wanted};
use crate::cli::Options;
use crate::error::{Failure, Kind, kind};
use crate::output::{self, Format, Log, Printer, Record};

/// What stays the same from question to question.
pub struct Session {
    pub options: Options,
    pub client: Client,
    pub pace: Arc<Pace>,
    fallback: Fallback,
    log: Option<Log>,
    /// The temporary file of `-o`, which a signal removes.
    temp_path: Arc<Mutex<Option<PathBuf>>>,
}

/// How the requests of a session follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Requests {
    InTurn,
    /// They share one view of the rate limit.
    SideBySide,
}

/// What became of one request.
pub struct Outcome {
    pub answer: Answer,
    pub result: Result<()>,
    /// The head of the last HTTP answer.
    pub head: Option<Head>,
    /// The estimated cost in dollars; `None` if the server did not count the tokens.
    pub cost: Option<f64>,
    /// Why the answer stopped short, if it did.
    pub short: Option<Failure>,
    /// The log could not be written.
    pub log_error: Option<Error>,
}

impl Session {
    /// Fetches the key and opens the log.
    pub fn new(mut options: Options, requests: Requests) -> Result<Self> {
        options.connect()?;
        let policy = options.policy;
        let max_wait = (requests == Requests::SideBySide).then_some(policy.max_wait);
        let pace = Arc::new(Pace::new(max_wait, 1 + options.fallback.len()));
        let client = Client::new(options.endpoint.clone(), policy, Arc::clone(&pace));
        let log = options.log.as_deref().map(Log::open).transpose()?;
        let fallback = Fallback::new(options.fallback.clone());
        Ok(Self { options, client, pace, fallback, log, temp_path: Arc::default() })
    }

    /// Removes the temporary file of `-o` when one of these signals ends the program.
    pub fn watch_temp_file(&self, signals: &[i32]) -> Result<()> {
        if self.options.output.path.is_none() {
            return Ok(());
        }
        let temp_path = Arc::clone(&self.temp_path);
        on_signal(signals, move |signal| {
            remove(&temp_path);
            end_by(signal);
        })
    }

    /// Removes the temporary file now.
    pub fn remove_temp_file(&self) {
        remove(&self.temp_path);
    }

    /// This file is removed by the signals of [`Session::watch_temp_file`].
    pub fn remove_on_signal(&self, temp_path: Option<&Path>) {
        let path = temp_path.map(Path::to_path_buf);
        *self.temp_path.lock().unwrap_or_else(PoisonError::into_inner) = path;
    }

    /// Sends the request and reads its answer. The printer, if there is one, prints it. `line` is that of the item, if
    /// it is one of a batch. Afterwards the request names the model that was asked last.
    pub fn exchange(
        &self,
        client: &Client,
        request: &mut Request,
        prepared: &mut Prepared,
        printer: Option<&mut Printer>,
        line: Option<u64>,
    ) -> Outcome {
        let begun = Instant::now();
        let Options { output, console, prefill, prices, .. } = &self.options;
        let wanted = Wanted {
            // a conversation and a batch keep it, and some formats print it at the end
            text: self.options.chat.is_some() || printer.is_none() || !output.prints_chunks(),
            message: output.format == Format::Json,
            events: output.format == Format::Events,
            prefill: prefill.clone(),
        };
        let (sent, requests) = self.send(client, request, prepared, &wanted, line);
        let (answer, result) = match sent.reply {
            Ok(mut reply) => {
                let result = receive(&mut reply, printer);
                (reply.into_answer(), result)
            }
            Err(error) => (Answer::default(), Err(error)),
        };
        let seconds = begun.elapsed().as_secs_f64();
        console.trace("*", format_args!("the answer ended after {seconds:.3} s"));
        if let Some(warning) = &answer.warning {
            console.note(warning);
        }
        let short = output::stopped_short(&answer, request.max_tokens);
        let cost = prices.of(&request.model).cost(&answer.usage);
        let record = Record {
            host: client.endpoint().host(),
            model: &request.model,
            head: sent.head.as_ref(),
            answer: &answer,
            cost,
            attempts: sent.attempts,
            requests,
            seconds,
            exit: match &result {
                Err(error) => kind(error) as u8,
                Ok(()) if self.options.strict && short.is_some() => Kind::StoppedShort as u8,
                Ok(()) => 0,
            },
        };
        let log = self.log.as_ref().filter(|_| requests > 0);
        let log_error = log.and_then(|log| log.append(&record, console).err());
        Outcome { answer, result, head: sent.head, cost, short, log_error }
    }

    /// Sends the request, to one model after the other where they fail. Tells how many requests it took.
    fn send(
        &self,
        client: &Client,
        request: &mut Request,
        prepared: &mut Prepared,
        wanted: &Wanted,
        line: Option<u64>,
    ) -> (Sent, u32) {
        let console = &self.options.console;
        let mut on_progress = |progress: Progress| output::show(console, line, &progress);
        let models = self.fallback.models(&request.model);
        let (mut index, mut requests) = (0, 0);
        loop {
            let (candidate, model) = &models[index];
            request.set_model(model, prepared);
            let sent = client.send(prepared, *candidate, wanted, &mut on_progress);
            requests += sent.attempts;
            index += 1;
            match (self.fallback.failure(model, &sent), models.get(index)) {
                (Some(error), Some((_, next))) => output::show_fallback(console, line, error, next),
                _ => return (sent, requests),
            }
        }
    }
}

fn remove(temp_path: &Mutex<Option<PathBuf>>) {
    let path = temp_path.lock().unwrap_or_else(PoisonError::into_inner).take();
    path.map(std::fs::remove_file);
}

/// Reads the answer to its end, prints it, and checks that it has text.
fn receive(reply: &mut Reply, mut printer: Option<&mut Printer>) -> Result<()> {
    let received = print_chunks(reply, printer.as_deref_mut());
    let answer = reply.answer();
    let checked = answer.check();
    let ended = match printer {
        Some(printer) => printer
            .finish(answer, received.is_ok() && (checked.is_ok() || printer.prints_without_text())),
        None => Ok(()),
    };
    received.and(ended).and(checked.map_err(Into::into))
}

fn print_chunks(reply: &mut Reply, mut printer: Option<&mut Printer>) -> Result<()> {
    while let Some(chunk) = reply.next_chunk()? {
        if let Some(printer) = &mut printer {
            printer.print(&chunk)?;
        }
    }
    Ok(())
}
