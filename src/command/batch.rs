//! Many questions: jobs that take items, ask them at the pace that the server allows, and print the results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Error, Result};
use serde_json::value::RawValue;

use super::interrupt::{end_by_ctrl_c, on_ctrl_c};
use super::queue::Queue;
use super::turn::{Asker, note_replaced};
use crate::api::{
    self, Digest, Keep, Kept, Listener, Message, Pace, Prepared, Reply, Request, Response, Retry,
    Role, Watcher,
};
use crate::error::{Failure, Kind};
use crate::input::{self, Draft, Item, Items, Overrides, Said, Text};
use crate::output::{
    self, Answered, Bar, Came, Console, Problem, Progress, Record, Results, Spinner, Stdout, Tally,
    identity,
};
use crate::settings::{Ask, Batch, model_id};

/// How many results may wait for one that is late, or four for each job if those are more: enough that
/// no job stands idle for long.
const WINDOW: u64 = 128;

/// What every other item would end with too.
const FOR_ALL: [Kind; 2] = [Kind::KeyRejected, Kind::NotPermitted];

/// Asks every item.
pub fn run(mut ask: Ask, batch: Batch, stdout: Stdout, console: Console) -> Result<()> {
    let (path, max_wait) = (ask.output.take(), ask.policy.max_wait);
    let items = Items::open(batch.items.as_deref())?;
    let total = match &batch.items {
        Some(path) if console.may_move() => input::count_items(path)?,
        _ => None,
    };
    let (out, answered) = match &path {
        Some(path) => {
            let (file, answered) = output::open_results(path, batch.resume)?;
            (stdout.append(file, path), answered)
        }
        None => (stdout.open(), Answered::new()),
    };
    let words = batch.words.map(Text::from);
    let files = Draft::of_files(batch.files)?;
    let replaced = words.as_ref().map_or(0, |words| words.replaced) + files.replaced;
    note_replaced(replaced, "the prompt", console);
    let asker = Asker::new(ask, stdout, console)?;
    let window = WINDOW.max(4 * batch.jobs as u64);
    let tally = Arc::default();
    let work = Arc::new(Work {
        bar: Bar::start(console, total, &tally),
        asker,
        words,
        files,
        answered: Mutex::new(answered),
        json: batch.json,
        min_credits: batch.min_credits,
        pace: Pace::new(max_wait),
        queue: Queue::new(batch.jobs, batch.keep_order.then_some(window)),
        beside: out.is_terminal(),
        results: Mutex::new(Results::new(out, batch.keep_order)),
        tally,
        file: path.map(|path| path.display().to_string()),
        reason: Mutex::default(),
    });
    stops_on_ctrl_c(&work)?;
    let reading = Arc::clone(&work);
    let read = move || {
        if let Err(error) = reading.queue.fill(items) {
            reading.stop_for(error);
        }
    };
    let cannot = || Failure::new(Kind::Local, "cannot start a thread");
    // it may wait for a line that never comes, so nobody waits for it
    thread::Builder::new().spawn(read).with_context(cannot)?;
    thread::scope(|scope| {
        for job in 0..batch.jobs {
            match thread::Builder::new().spawn_scoped(scope, || work.take_items()) {
                Ok(_) => {}
                Err(error) if job == 0 => return Err(error).with_context(cannot),
                // fewer jobs do it as well
                Err(_) => break,
            }
        }
        Ok(())
    })?;
    work.bar.stop();
    work.finish()
}

/// All that the jobs share.
struct Work {
    asker: Asker,
    /// What every item gets.
    words: Option<Text>,
    files: Draft,
    answered: Mutex<Answered>,
    json: bool,
    min_credits: Option<f64>,
    pace: Pace,
    queue: Queue,
    results: Mutex<Results>,
    /// The results go where the bar is.
    beside: bool,
    tally: Arc<Mutex<Tally>>,
    bar: Bar,
    /// What the file of the results is called, if there is one.
    file: Option<String>,
    /// Why nothing more is started.
    reason: Mutex<Option<Error>>,
}

/// What came of an item that was asked.
struct Answer {
    status: Option<u16>,
    reply: Reply,
    response: Option<Box<RawValue>>,
    result: Result<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Work {
    /// One job: item after item, until there are no more or a reason to stop.
    fn take_items(&self) {
        while let Some((number, item)) = self.queue.take() {
            let Some(line) = self.line_for(item) else {
                continue;
            };
            let print = || lock(&self.results).put(number, line);
            let printed = if self.beside {
                self.bar.beside(print)
            } else {
                print()
            };
            match printed {
                Ok(printed) => self.queue.printed(printed),
                Err(error) => {
                    // nobody reads on, or there is no room: what is under way is of no use
                    self.stop_for(error);
                    self.asker.client.stop();
                }
            }
        }
    }

    /// Asks an item and gives the line of its result: empty for one that is skipped, `None` for one that
    /// was not asked after all.
    fn line_for(&self, item: Item) -> Option<String> {
        let Item {
            line,
            id,
            asked,
            replaced,
        } = item;
        lock(&self.tally).replaced += replaced;
        let failed = |key, status, exit, message: &str| {
            lock(&self.tally).failed += 1;
            let came = Came::Error {
                error: Problem {
                    exit,
                    status,
                    message,
                },
            };
            Some(written(&Record {
                line,
                id: id.as_deref(),
                key,
                came,
            }))
        };
        let asked = match asked {
            Ok(asked) => asked,
            Err(message) => return failed(None, None, Kind::Usage.status(), &message),
        };
        let request = self.request(asked.said, asked.overrides);
        let prepared = match self.asker.client.endpoint().prepare(&request) {
            Ok(prepared) => prepared,
            Err(error) => {
                let exit = output::exit_status(&error);
                return failed(None, None, exit, &output::causes(&error));
            }
        };
        let key = Digest::of(&prepared.body);
        let known = identity(line, id.as_deref(), key);
        if let Some(left) = lock(&self.answered).get_mut(&known)
            && *left > 0
        {
            *left -= 1;
            lock(&self.tally).skipped += 1;
            return Some(String::new());
        }
        let Answer {
            status,
            reply,
            response,
            result,
        } = self.ask(line, &request, &prepared);
        match result {
            Ok(()) => {
                lock(&self.tally).answered += 1;
                let came = Came::Answer {
                    text: reply.text.as_deref().unwrap_or_default(),
                    stop_reason: reply.stop_reason.as_deref(),
                    model: reply.model.as_deref(),
                    usage: reply.usage,
                    response,
                };
                Some(written(&Record {
                    line,
                    id: id.as_deref(),
                    key: Some(key),
                    came,
                }))
            }
            Err(error) if error.is::<NotStarted>() => None,
            Err(_) if self.asker.client.is_stopped() => None,
            Err(error) => {
                let exit = output::exit_status(&error);
                let line = failed(Some(key), status, exit, &output::causes(&error));
                if FOR_ALL.map(Kind::status).contains(&exit) {
                    self.stop_for(error);
                }
                line
            }
        }
    }

    fn request(&self, said: Said, overrides: Overrides) -> Request {
        let mut request = self.asker.request.clone();
        if let Some(model) = overrides.model {
            request.model = model_id(&model).into();
        }
        request.system = overrides.system.or(request.system);
        request.max_tokens = overrides.max_tokens.unwrap_or(request.max_tokens);
        request.temperature = overrides.temperature.or(request.temperature);
        request.top_p = overrides.top_p.or(request.top_p);
        request.stop_sequences = overrides.stop_sequences.unwrap_or(request.stop_sequences);
        let mut draft = self.files.clone();
        match said {
            Said::Text(text) => draft.add(Text::from(text)),
            Said::Messages(messages) => request.messages = messages,
        }
        if let Some(words) = &self.words {
            draft.close(words.clone());
        }
        if !draft.is_empty() {
            request.messages.push(Message {
                role: Role::User,
                content: draft.finish().content,
            });
        }
        self.asker.begin_answer(&mut request);
        request
    }

    /// Asks one item as a single question would be, within the pace of all.
    fn ask(&self, line: u64, request: &Request, prepared: &Prepared) -> Answer {
        let client = &self.asker.client;
        let progress = Progress::new(self.asker.console, Spinner::none(), self.asker.key.clone());
        let mut job = Job {
            work: self,
            line,
            progress,
            entered: false,
        };
        let mut reply = Reply::new(
            Keep {
                text: true,
                message: self.json,
            },
            self.asker.prefill.clone(),
        );
        let mut whole = Whole(self.json.then(Vec::new));
        let sent = client.send(prepared, &mut job);
        let mut result = sent
            .and_then(|response| api::receive(response, client, &mut reply, &mut whole))
            .and_then(|()| reply.check().map_err(Into::into));
        job.left(None);
        self.count(&reply);
        if let Some(short) = output::stopped_short(&reply, request.max_tokens) {
            lock(&self.tally).short += 1;
            if self.asker.strict && result.is_ok() {
                result = Err(short.into());
            }
        }
        let progress = job.progress;
        if progress.attempts > 0
            && let Err(error) = self
                .asker
                .logged(&request.model, &progress, &reply, &result)
        {
            self.stop_for(error);
        }
        self.watch_credits(progress.limits.credits);
        let response = whole.0.filter(|_| result.is_ok()).and_then(|json| {
            let json = String::from_utf8_lossy(&json);
            RawValue::from_string(api::one_line(json.trim()).into()).ok()
        });
        Answer {
            status: progress.status,
            reply,
            response,
            result,
        }
    }

    fn watch_credits(&self, credits: Option<f64>) {
        let Some(credits) = credits else { return };
        lock(&self.tally).credits = Some(credits);
        if self.min_credits.is_some_and(|least| credits < least) {
            let message = format!("${credits:.2} credits are left, below --min-credits");
            let failure = Failure::new(Kind::NotPermitted, message);
            self.stop_for(failure.hint("with more credits, --resume goes on").into());
        }
    }

    /// Counts what was spent, whatever came of it.
    fn count(&self, reply: &Reply) {
        let mut tally = lock(&self.tally);
        tally.input_tokens += reply.usage.input_tokens.unwrap_or(0);
        tally.output_tokens += reply.usage.output_tokens.unwrap_or(0);
        tally.cost += self.asker.price.of(&reply.usage).unwrap_or(0.0);
    }

    /// Starts nothing more, for this reason if it is the first.
    fn stop_for(&self, error: Error) {
        lock(&self.reason).get_or_insert(error);
        self.queue.stop();
        self.pace.close();
    }

    /// Prints what still waits for its turn, and tells what came of it all.
    fn finish(&self) -> Result<()> {
        let tally = lock(&self.tally);
        let console = self.asker.console;
        let reason = lock(&self.reason).take();
        if reason.as_ref().is_some_and(output::is_reader_gone) {
            return reason.map_or(Ok(()), Err);
        }
        lock(&self.results).finish()?;
        note_replaced(tally.replaced, "the items", console);
        match tally.short {
            0 => {}
            1 => console.note("1 answer stopped short"),
            short => console.note(format_args!("{short} answers stopped short")),
        }
        if reason.is_none() && tally.is_empty() {
            console.note("there were no items; a file of items is --batch=FILE");
        }
        if !console.quiet {
            console.tell(&*tally);
        }
        let failed = match tally.failed {
            0 => return reason.map_or(Ok(()), Err),
            1 => "1 item failed".into(),
            failed => format!("{failed} items failed"),
        };
        Err(reason.unwrap_or_else(|| {
            let failure = Failure::new(Kind::ItemsFailed, failed);
            let hint = match &self.file {
                Some(file) => {
                    format!("jq 'select(.error)' {file} tells why; --resume asks them again")
                }
                None => "with -o FILE, --resume asks them again".into(),
            };
            failure.hint(hint).into()
        }))
    }
}

/// The first Ctrl-C lets what is under way come to its end, the second does not.
fn stops_on_ctrl_c(work: &Arc<Work>) -> Result<()> {
    let work = Arc::clone(work);
    let mut pressed = false;
    on_ctrl_c(move || {
        if std::mem::replace(&mut pressed, true) {
            end_by_ctrl_c();
        }
        let failure = Failure::new(Kind::Interrupted, "stopped by Ctrl-C");
        // what is told is true already
        work.stop_for(failure.hint("with -o FILE, --resume goes on").into());
        let work = Arc::clone(&work);
        let tell = move || {
            let console = work.asker.console;
            work.bar
                .beside(|| console.tell("no more items are started; Ctrl-C again ends at once"));
        };
        // where nobody takes what is told, the next Ctrl-C has to be heard all the same
        let _ = thread::Builder::new().spawn(tell);
    })
}

/// The way of one item through the pace of all.
struct Job<'a> {
    work: &'a Work,
    line: u64,
    progress: Progress,
    /// The pace counts a request of this job as in flight.
    entered: bool,
}

/// The item was not sent, because nothing more is to be started.
#[derive(Debug)]
struct NotStarted;

impl std::fmt::Display for NotStarted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not started")
    }
}

impl std::error::Error for NotStarted {}

impl Job<'_> {
    fn left(&mut self, response: Option<&Response>) {
        if std::mem::take(&mut self.entered) {
            self.work
                .pace
                .leave(response.map(|response| &response.limits));
        }
    }
}

impl Watcher for Job<'_> {
    fn sending(&mut self, prepared: &Prepared) -> Result<()> {
        match self.work.pace.enter() {
            Ok(()) => {}
            Err(Kept::Closed) => return Err(NotStarted.into()),
            Err(Kept::TooLong(pause)) => {
                let pause = api::in_words(pause.as_secs_f64().ceil() as u64);
                let failure = Failure::new(
                    Kind::RateLimited,
                    format!("the rate limit resets in {pause}, and --max-wait is less"),
                );
                self.work.stop_for(
                    failure
                        .hint("come back then; with -o FILE, --resume goes on")
                        .into(),
                );
                return Err(NotStarted.into());
            }
        }
        self.entered = true;
        self.progress.sending(prepared)
    }

    fn sent(&mut self, response: Option<&Response>) {
        self.left(response);
        self.progress.sent(response);
    }

    fn asked(&mut self, pause: Duration) {
        self.work.pace.hold(pause);
    }

    fn pause(&mut self, retry: &Retry) {
        let line = format!("line {}: {}", self.line, output::retry_line(retry));
        self.work.bar.beside(|| self.work.asker.console.note(line));
        if retry.for_all {
            // nobody sends before then, this job among them
            self.work.pace.pause_all(retry.pause);
        } else {
            self.work.pace.sleep(retry.pause);
        }
    }
}

/// Keeps the server's JSON, where it is wanted; the text is in the reply.
struct Whole(Option<Vec<u8>>);

impl Listener for Whole {
    fn whole(&mut self, json: &[u8]) {
        if let Some(kept) = &mut self.0 {
            kept.extend_from_slice(json);
        }
    }

    fn pause(&mut self) -> Result<()> {
        Ok(())
    }
}

fn written(line: &Record) -> String {
    // what is written here are strings and numbers, which JSON always takes
    serde_json::to_string(line).map_or(String::new(), |json| json + "\n")
}
