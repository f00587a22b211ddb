//! One request and its answer: what asking, chatting and batches share.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use anyhow::{Error, Result};

use super::recording::Recordings;
use super::signals::{end_by, on_signal};
use crate::api::{
    Answer, Client, Head, Pace, Prepared, Price, Progress, Reply, Request, Sent, Wanted,
};
use crate::cli::Options;
use crate::error::{Failure, Kind, kind};
use crate::output::{self, Format, Log, Printer, Record};

/// What stays the same from question to question.
pub struct Session {
    pub options: Options,
    pub client: Client,
    pub pace: Arc<Pace>,
    log: Option<Log>,
    recordings: Option<Recordings>,
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
    /// Why the answer stopped short, if it did.
    pub short: Option<Failure>,
    /// It is a recorded answer.
    pub replayed: bool,
    /// What its tokens cost.
    pub price: Price,
    /// The log or the recording could not be written.
    pub write_error: Option<Error>,
}

impl Session {
    /// Fetches the key, and opens the log and the recorded answers.
    pub fn new(mut options: Options, requests: Requests) -> Result<Self> {
        if options.replay.is_none() || options.record.is_some() {
            options.connect()?;
        }
        let policy = options.policy;
        let pace =
            Arc::new(Pace::new((requests == Requests::SideBySide).then_some(policy.max_wait)));
        let client = Client::new(options.endpoint.clone(), policy, Arc::clone(&pace));
        let log = options.log.as_deref().map(Log::open).transpose()?;
        let recordings = Recordings::open(options.record.as_deref(), options.replay.as_deref())?;
        Ok(Self { options, client, pace, log, recordings, temp_path: Arc::default() })
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

    /// Sends the request and reads its answer. The printer, if there is one, prints it.
    pub fn exchange(
        &self,
        client: &Client,
        request: &Request,
        prepared: &Prepared,
        printer: Option<&mut Printer>,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Outcome {
        let begun = Instant::now();
        let Options { output, console, prefill, .. } = &self.options;
        let wanted = Wanted {
            // a conversation and a batch keep it, and some formats print it at the end
            text: self.options.chat.is_some() || printer.is_none() || !output.prints_chunks(),
            message: output.format == Format::Json,
            events: output.format == Format::Events,
            body: self.options.record.is_some(),
            prefill: prefill.clone(),
        };
        let sent = self.send(client, prepared, &wanted, on_progress);
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
        let price = if sent.replayed { Price::FREE } else { self.options.price };
        let short = output::stopped_short(&answer, request.max_tokens);
        let record = Record {
            host: client.endpoint().host(),
            model: &request.model,
            head: sent.head.as_ref(),
            answer: &answer,
            price,
            attempts: sent.attempts,
            replayed: sent.replayed,
            seconds,
            exit: match &result {
                Err(error) => kind(error) as u8,
                Ok(()) if self.options.strict && short.is_some() => Kind::StoppedShort as u8,
                Ok(()) => 0,
            },
        };
        let log = self.log.as_ref().filter(|_| sent.attempts > 0 || sent.replayed);
        let logged = log.map_or(Ok(()), |log| log.append(&record, console));
        let answered = sent.head.as_ref().filter(|_| !sent.replayed);
        let recorded = self.record(prepared, answered, &answer);
        let Sent { head, replayed, .. } = sent;
        let write_error = recorded.and(logged).err();
        Outcome { answer, result, head, short, replayed, price, write_error }
    }

    /// Sends the request, unless its answer is recorded.
    fn send(
        &self,
        client: &Client,
        prepared: &Prepared,
        wanted: &Wanted,
        on_progress: &mut dyn FnMut(Progress),
    ) -> Sent {
        let found = self.recordings.as_ref().map_or(Ok(None), |known| known.find(prepared));
        match found {
            Ok(None) => client.send(prepared, wanted, on_progress),
            Ok(Some((recorded, place))) => {
                self.options
                    .console
                    .trace("*", format_args!("the answer is replayed from {place}"));
                let (content_type, body) = recorded.into_parts();
                client.replay(content_type.as_deref(), body, wanted.clone())
            }
            Err(error) => Sent::not(error),
        }
    }

    /// Records an answer of a server, if it is complete, with text or without.
    fn record(&self, prepared: &Prepared, head: Option<&Head>, answer: &Answer) -> Result<()> {
        let (Some(recordings), Some(head)) = (&self.recordings, head) else { return Ok(()) };
        if !answer.complete || answer.problem.is_some() {
            return Ok(());
        }
        recordings.add(prepared, head, answer, &self.options.console)
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
