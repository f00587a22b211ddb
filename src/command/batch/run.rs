//! What the workers of a batch share, how it stops early, and what is reported at its end.

use std::mem::take;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Error, Result};

use super::defaults::ItemDefaults;
use super::earlier::Earlier;
use super::file::ResultsFile;
use super::results::RowLine;
use crate::api::Pace;
use crate::cli::{Batch, Options};
use crate::command::session::Session;
use crate::command::signals::{ENDING, HANGUP, MOMENT, end_by, name, on_signal};
use crate::error::{Failure, Kind, kind, usage_error};
use crate::input::Replaced;
use crate::output::{Console, Sink, Tally, TempFile, count_of, is_replaceable};
use crate::stdio::is_regular;
use crate::sync::{Ticker, lock};

/// How often a line reports the progress if there is no bar. A CI service may end a job that prints nothing.
const HEARTBEAT: Duration = Duration::from_secs(30);

/// A second signal counts only after this time. Before, it belongs to the first: shells and supervisors send several.
const SECOND_THOUGHT: Duration = Duration::from_secs(1);

/// Where the results go.
pub enum Output {
    File(ResultsFile),
    /// Standard output, a pipe or a device.
    Stream(Sink),
    /// A stream that took a row only in part or not at all, and why. Nothing may follow half a row.
    TornRow(Kind),
}

impl Output {
    /// Opens the output, and reads the answers that are already in its file.
    pub fn open(options: &Options, batch: &Batch) -> Result<(Self, Earlier)> {
        let mut earlier = Earlier::default();
        let path = options.output.path.as_ref().filter(|path| is_regular(path));
        let Some(path) = path else {
            return Ok((Self::Stream(Sink::open(&options.output, &TempFile::default())?), earlier));
        };
        let mut file = ResultsFile::open(path, batch.resume, |note| options.console.note(note))?;
        file.read_answers(&mut earlier, batch.max_cost.map(|_| &options.prices))?;
        if batch.keep_order && is_replaceable(path) {
            earlier.item_lines = Some(Vec::new());
        }
        Ok((Self::File(file), earlier))
    }
}

/// Held by the worker that asks the first item under `--cache`.
pub type Alone<'a> = Option<MutexGuard<'a, bool>>;

/// Whether and why a batch ends early.
#[derive(Default)]
pub struct Stop {
    /// The batch's error, if items are left out.
    pub reason: Option<Error>,
    /// The first signal, and when it came. The program ends by it when the requests under way have ended.
    pub signal: Option<(i32, Instant)>,
    /// The workers take no more items.
    pub no_more_items: bool,
}

/// All that the workers share.
pub struct BatchRun {
    pub session: Session,
    pub defaults: ItemDefaults,
    pub batch: Batch,
    pub earlier: Mutex<Earlier>,
    pub output: Mutex<Output>,
    /// Results are written in the order of the items. If not, each worker writes its result before the next item.
    pub in_order: bool,
    pub tally: Mutex<Tally>,
    pub stop: Mutex<Stop>,
    /// Whether a first item has been sent, so that the server may have filled its cache.
    first_was_sent: Mutex<bool>,
    /// How many results in a row had no connection.
    pub unconnected: AtomicU32,
}

impl BatchRun {
    pub fn new(options: Options, batch: Batch, output: Output, earlier: Earlier) -> Result<Self> {
        let defaults = ItemDefaults::new(&options, &batch)?;
        let pace = Pace::parallel(options.policy.max_wait, batch.interval);
        Ok(Self {
            session: Session::new(options, pace)?,
            defaults,
            in_order: batch.keep_order && earlier.item_lines.is_none(),
            batch,
            tally: Mutex::default(),
            earlier: earlier.into(),
            output: output.into(),
            stop: Mutex::default(),
            first_was_sent: Mutex::default(),
            unconnected: AtomicU32::default(),
        })
    }

    /// The file of `-o` in messages.
    pub fn results_name(&self) -> String {
        let path = self.session.options.output.path.as_ref();
        path.map_or(String::new(), |path| path.display().to_string())
    }

    /// The hint of a batch that has left items.
    pub fn how_to_continue(&self) -> &'static str {
        match self.session.options.output.path {
            Some(_) => "use --resume to continue",
            None => "write the results to -o FILE, and --resume can continue",
        }
    }

    /// Shows the progress: as a bar on a terminal, elsewhere as a line from time to time.
    pub fn show_progress(self: &Arc<Self>, total: Option<u64>) -> Option<Ticker> {
        let (begun, run) = (Instant::now(), Arc::clone(self));
        let console = &self.session.options.console;
        console.start_live(move || lock(&run.tally).bar(total, begun.elapsed()));
        let run = Arc::clone(self);
        let beat = move || {
            let line = lock(&run.tally).heartbeat();
            run.session.options.console.tell(line);
        };
        (!console.animated && !console.quiet).then(|| Ticker::start(HEARTBEAT, beat))
    }

    /// Writes a row. If there is no room for it, the batch stops, but requests under way still end. An error if the
    /// reader is gone, but only without a signal: the one that ends the batch may have ended the reader, too.
    pub fn write(&self, row: &RowLine) -> Result<()> {
        let Err(error) = self.try_write(&row.json) else { return Ok(()) };
        let has_reader = kind(&error) != Kind::ReaderGone;
        if !has_reader && !self.has_signal() {
            return Err(error);
        }
        lock(&self.tally).lose(row.failure, has_reader);
        self.stop(error);
        Ok(())
    }

    fn try_write(&self, row: &str) -> Result<()> {
        let console = &self.session.options.console;
        let mut output = lock(&self.output);
        let written = match &mut *output {
            Output::File(file) => return file.append(row, |note| console.note(note)),
            Output::TornRow(kind) => {
                let failure = Failure::new(*kind, "an earlier result could not be written");
                return Err(failure.into());
            }
            Output::Stream(sink) => {
                sink.json(row.as_bytes());
                if sink.is_terminal() { console.suspend(|| sink.flush()) } else { sink.flush() }
            }
        };
        if let Err(error) = &written {
            *output = Output::TornRow(kind(error));
        }
        written
    }

    /// Whether a signal has come. The one that ended the reader of the results may take a moment longer to come here.
    fn has_signal(&self) -> bool {
        let has_signal = || lock(&self.stop).signal.is_some();
        has_signal() || {
            thread::sleep(MOMENT);
            has_signal()
        }
    }

    /// Under `--cache`, holds back the other workers until a first item has been asked, so that theirs find the cache.
    pub fn alone(&self) -> Alone<'_> {
        let first_was_sent = self.session.options.request.cache.then(|| lock(&self.first_was_sent));
        first_was_sent.filter(|first_was_sent| !**first_was_sent)
    }

    /// Waits until the disk has what was written, and puts the results in order, if that was left for the end.
    pub fn save(&self) {
        self.session.sync_recordings().unwrap_or_else(|error| self.stop(error));
        let console = &self.session.options.console;
        // the answers of earlier batches are no longer needed
        let Earlier { item_lines, .. } = take(&mut *lock(&self.earlier));
        let Output::File(file) = &mut *lock(&self.output) else { return };
        let notify = |note: &str| console.note(note);
        let saved = file.sync().and_then(|()| match item_lines {
            Some(item_lines) => {
                file.follow_name(notify)?;
                file.order(item_lines, &self.session.temp_file, notify)
            }
            None => Ok(()),
        });
        saved.unwrap_or_else(|error| self.stop(error));
    }

    /// Takes no more items and sends nothing more. The first reason is the batch's error, unless an answer is lost later.
    pub fn stop(&self, reason: Error) {
        let mut stop = lock(&self.stop);
        let is_first = !std::mem::replace(&mut stop.no_more_items, true);
        let is_local = |error: &Error| kind(error) == Kind::Local;
        if is_first || is_local(&reason) && !stop.reason.as_ref().is_some_and(is_local) {
            stop.reason = Some(reason);
        }
        self.session.pace.stop();
    }

    /// Sends nothing more. The workers still take items, because the rest may have answers already. The first item
    /// that has to be sent calls [`BatchRun::take_no_more_items`]. Only then, the reason becomes the batch's error.
    pub fn stop_sending(&self, reason: Error) {
        lock(&self.stop).reason.get_or_insert(reason);
        self.session.pace.stop();
    }

    /// Notes that an item was not sent. The workers take no more items.
    pub fn take_no_more_items(&self) {
        lock(&self.stop).no_more_items = true;
    }

    pub fn takes_no_more_items(&self) -> bool {
        lock(&self.stop).no_more_items
    }

    /// The first signal lets the requests under way finish, the second one does not, unless it belongs to the first.
    pub fn stop_on_signals(self: &Arc<Self>) -> Result<()> {
        let run = Arc::clone(self);
        on_signal(&ENDING, move |signal| {
            let earlier = lock(&run.stop).signal;
            if let Some((_, first)) = earlier {
                if signal != HANGUP && first.elapsed() >= SECOND_THOUGHT {
                    let _removed = run.session.temp_file.remove();
                    let _ended = run.session.checks.end_by(signal);
                    end_by(signal);
                }
                return;
            }
            lock(&run.stop).signal = Some((signal, Instant::now()));
            let failure = Failure::new(Kind::Interrupted, format!("stopped by {}", name(signal)));
            run.stop(failure.hint(run.how_to_continue()).into());
            let run = Arc::clone(&run);
            let note = move || {
                let console = &run.session.options.console;
                console.note("no new items are started; a second signal stops at once");
            };
            // in a thread: if nobody reads stderr, the write may block, and the next signal must still arrive
            let _ = thread::Builder::new().spawn(note);
        })
    }

    /// Prints the summary, and returns the batch's error: the reason why it ended early, or the items that failed.
    pub fn finish(&self, reason: Option<Error>) -> Result<()> {
        let console = &self.session.options.console;
        let tally = lock(&self.tally);
        Replaced::from(tally.replaced).note("the items", |note| console.note(note));
        if tally.short > 0 {
            console.note(format_args!("{} stopped short", count_of(tally.short, "answer")));
        }
        let said = reason.as_ref().map(|reason| console.describe(reason)).unwrap_or_default();
        tally.failures(&said).for_each(|failures| console.note(failures));
        if reason.is_none() && tally.done() == 0 {
            no_items(&self.batch, console)?;
        }
        // what has no items has no counts
        let is_refused = reason.as_ref().is_some_and(|reason| kind(reason) == Kind::Usage);
        if !console.quiet && !is_refused {
            console.tell(&*tally);
        }
        match (reason, tally.failed()) {
            (Some(reason), _) => Err(reason),
            (None, 0) => Ok(()),
            (None, failed) => {
                let hint = match &self.session.options.output.path {
                    Some(file) => format!(
                        "jq 'select(.error)' {} shows why; use --resume to ask them again",
                        file.display()
                    ),
                    None => "write the results to -o FILE, and --resume can ask them again".into(),
                };
                Err(items_failed(failed).hint(hint).into())
            }
        }
    }
}

/// Notes that there were no items. If a word names a file, that is an error: the file probably has the items.
pub fn no_items(batch: &Batch, console: &Console) -> Result<(), Failure> {
    if let Some(file) = &batch.file_word {
        let failure = usage_error("there were no items on standard input");
        let hint = format!("use --batch={0} to read the items from {0}", file.display());
        return Err(failure.hint(hint));
    }
    match batch.items.path() {
        Some(file) => console.note(format_args!("there were no items in {}", file.display())),
        None => console.note("there were no items; --batch=FILE reads them from a file"),
    }
    Ok(())
}

pub fn items_failed(count: u64) -> Failure {
    Failure::new(Kind::ItemsFailed, count_of(count, "item") + " failed")
}
