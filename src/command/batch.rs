//! Many questions: jobs that take items, ask them at the pace that the server allows, and print the results.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use serde_json::value::RawValue;

use super::queue::Queue;
use super::turn::{Asker, note_replaced};
use crate::api::{
    self, Digest, Keep, Kept, Listener, Message, Pace, Prepared, Reply, Request, Response, Retry,
    Role, Watcher,
};
use crate::error::{Failure, Kind};
use crate::input::{self, Draft, Item, Items, Overrides, Said, Sources, Text};
use crate::output::{
    self, Answered, Bar, Came, Console, Out, Problem, Progress, Record, Results, Spinner, Stdout,
    identity,
};
use crate::settings::{Ask, Batch, model_id};

/// How many results may wait for one that is late, or four for each job if those are more: enough that
/// no job stands idle for long.
const WINDOW: u64 = 128;
/// How often a pause looks whether it is to end.
const TICK: Duration = Duration::from_millis(50);

/// Asks every item.
pub fn run(mut ask: Ask, batch: Batch, stdout: Stdout, console: Console) -> Result<()> {
    let Sources { words, files, .. } = batch.sources;
    let (path, json, max_wait) = (ask.output.take(), ask.json, ask.policy.max_wait);
    let items = Items::open(batch.items.as_deref())?;
    let total = match &batch.items {
        Some(path) if console.may_move() => input::count_items(path)?,
        _ => None,
    };
    let (out, answered) = match &path {
        Some(path) => {
            let (file, answered) = output::open_results(path, batch.resume)?;
            (Out::appending(file, path), answered)
        }
        None => (stdout.open(Spinner::none()), Answered::new()),
    };
    let words = words.map(Text::from);
    note_replaced(
        words.as_ref().map_or(0, |words| words.replaced),
        "the prompt",
        console,
    );
    let files = Draft::of_files(files)?;
    let asker = Asker::new(ask, stdout, console)?;
    let window = WINDOW.max(4 * batch.jobs as u64);
    let work = Arc::new(Work {
        bar: Bar::start(console, total),
        asker,
        words,
        files,
        answered: Mutex::new(answered),
        json,
        min_credits: batch.min_credits,
        pace: Pace::new(max_wait),
        queue: Queue::new(batch.jobs, batch.keep_order.then_some(window)),
        results: Mutex::new(Results::new(out, batch.keep_order)),
        tally: Mutex::default(),
        reason: Mutex::default(),
    });
    stops_on_ctrl_c(&work)?;
    let reading = Arc::clone(&work);
    // it may wait for a line that never comes, so nobody waits for it
    thread::spawn(move || {
        if let Err(error) = reading.queue.fill(items) {
            reading.stop_for(error);
        }
    });
    thread::scope(|scope| {
        for _ in 0..batch.jobs {
            scope.spawn(|| work.take_items());
        }
    });
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
    tally: Mutex<Tally>,
    bar: Bar,
    /// Why nothing more is started, if it is not Ctrl-C.
    reason: Mutex<Option<Error>>,
}

/// What the summary tells.
#[derive(Default)]
struct Tally {
    answered: u64,
    failed: u64,
    skipped: u64,
    replaced: usize,
    input_tokens: u64,
    output_tokens: u64,
    cost: f64,
    credits: Option<f64>,
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
            let line = self.line_for(item);
            self.show();
            let Some(line) = line else { continue };
            match lock(&self.results).put(number, line) {
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
        let answers = lock(&self.answered)
            .get_mut(&known)
            .map(|left| std::mem::replace(left, left.saturating_sub(1)));
        if answers.is_some_and(|left| left > 0) {
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
                self.count(&reply);
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
                if matches!(status, Some(401..=403)) {
                    // no other item would fare better
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
        let mut result =
            sent.and_then(|response| api::receive(response, client, &mut reply, &mut whole));
        job.left(None);
        if result.is_ok()
            && self.asker.strict
            && let Some(short) = output::stopped_short(&reply, request.max_tokens)
        {
            result = Err(short.into());
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
        let response = whole
            .0
            .filter(|_| result.is_ok())
            .and_then(|json| one_line(&json));
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

    fn count(&self, reply: &Reply) {
        let mut tally = lock(&self.tally);
        tally.answered += 1;
        tally.input_tokens += reply.usage.input_tokens.unwrap_or(0);
        tally.output_tokens += reply.usage.output_tokens.unwrap_or(0);
        tally.cost += self.asker.price.of(&reply.usage).unwrap_or(0.0);
    }

    /// Lets the bar know how things stand.
    fn show(&self) {
        let tally = lock(&self.tally);
        self.bar.update(output::State {
            done: tally.answered + tally.failed + tally.skipped,
            skipped: tally.skipped,
            failed: tally.failed,
            tokens: tally.input_tokens + tally.output_tokens,
            credits: tally.credits,
        });
    }

    /// Starts nothing more, for this reason if it is the first.
    fn stop_for(&self, error: Error) {
        lock(&self.reason).get_or_insert(error);
        self.stop();
    }

    fn stop(&self) {
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
        if !console.quiet {
            let tokens = output::counted(tally.input_tokens + tally.output_tokens);
            let cost = output::dollars(tally.cost);
            let credits = tally.credits.map_or(String::new(), |credits| {
                format!("; ${credits:.2} credits left")
            });
            let Tally {
                answered,
                failed,
                skipped,
                ..
            } = &*tally;
            console.tell(format!(
                "{answered} answered, {failed} failed, {skipped} skipped; {tokens} tokens, about ${cost}{credits}"
            ));
        }
        match reason {
            Some(reason) => Err(reason),
            None if self.queue.is_stopped() => {
                let failure = Failure::new(Kind::Interrupted, "stopped by Ctrl-C");
                Err(failure.hint("with -o FILE, --resume goes on").into())
            }
            None if tally.failed > 0 => {
                let items = if tally.failed == 1 {
                    "1 item".into()
                } else {
                    format!("{} items", tally.failed)
                };
                let failure = Failure::new(Kind::ItemsFailed, format!("{items} failed"));
                Err(failure
                    .hint("with -o FILE, --resume asks them again")
                    .into())
            }
            None => Ok(()),
        }
    }
}

/// The first Ctrl-C lets what is under way come to its end, the second does not.
fn stops_on_ctrl_c(work: &Arc<Work>) -> Result<()> {
    let work = Arc::clone(work);
    let handler = move || {
        if work.queue.is_stopped() {
            std::process::exit(i32::from(Kind::Interrupted.status()));
        }
        // what is told is true already
        work.stop();
        work.bar.beside(|| {
            work.asker
                .console
                .tell("no more items are started; Ctrl-C again ends at once");
        });
    };
    ctrlc::set_handler(handler).context(Failure::new(Kind::Local, "cannot watch for Ctrl-C"))
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

    fn too_long(&mut self, pause: Duration) {
        // whoever asks next is told so without asking
        self.work.pace.hold(pause);
    }

    fn pause(&mut self, retry: &Retry) {
        let line = format!("line {}: {}", self.line, output::retry_line(retry));
        self.work.bar.beside(|| self.work.asker.console.note(line));
        if retry.for_all {
            // nobody sends before then, this job among them
            self.work.pace.hold(retry.pause);
            return;
        }
        let end = Instant::now() + retry.pause;
        while let Some(left) = end
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
        {
            if self.work.queue.is_stopped() {
                return;
            }
            thread::sleep(left.min(TICK));
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

/// JSON as it stands, if it stands on one line; else the same without its line ends.
fn one_line(json: &[u8]) -> Option<Box<RawValue>> {
    let json = String::from_utf8_lossy(json);
    let json = json.trim();
    if json.contains(['\n', '\r']) {
        let value: serde_json::Value = serde_json::from_str(json).ok()?;
        return serde_json::value::to_raw_value(&value).ok();
    }
    RawValue::from_string(json.into()).ok()
}

fn written(line: &Record) -> String {
    // what is written here are strings and numbers, which JSON always takes
    serde_json::to_string(line).map_or(String::new(), |json| json + "\n")
}
