//! What stays the same from question to question: the options, the client, the log.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use anyhow::Result;

use super::check::RunningChecks;
use super::fallback::Fallback;
use super::recording::Recordings;
use super::signals::{end_by, is_process_1, on_signal};
use crate::api::{Client, Pace, Prepared};
use crate::cli::Options;
use crate::jsonl::Lines;
use crate::output::{Keyboard, TempFile};
use crate::sync::lock;

pub struct Session {
    pub options: Options,
    pub client: Client,
    pub pace: Arc<Pace>,
    pub fallback: Fallback,
    pub log: Option<Lines>,
    pub recordings: Option<Recordings>,
    pub checks: Arc<RunningChecks>,
    /// The temporary file of `-o`, which a signal removes.
    pub temp_file: TempFile,
    /// The keyboard of a conversation.
    pub keyboard: Keyboard,
    /// The key was read again in vain.
    key_is_final: Mutex<bool>,
}

impl Session {
    /// Fetches the key, and opens the log and the recorded answers.
    pub fn new(mut options: Options, pace: Pace) -> Result<Self> {
        options.connect()?;
        let pace = Arc::new(pace);
        let client = Client::new(options.endpoint.clone(), options.policy, Arc::clone(&pace));
        let notify = |note: &str| options.console.note(note);
        let open_log = |path: &PathBuf| Lines::open(path, "the log", notify);
        let log = options.log.as_ref().map(open_log).transpose()?;
        let recordings =
            Recordings::open(options.record.as_deref(), options.replay.as_deref(), notify)?;
        let fallback = Fallback::new(options.fallback.clone());
        let checks = Arc::new(RunningChecks::new(pace.is_parallel()));
        let temp_file = TempFile::default();
        Ok(Self {
            options,
            client,
            pace,
            fallback,
            log,
            recordings,
            checks,
            temp_file,
            keyboard: Keyboard::none(),
            key_is_final: Mutex::default(),
        })
    }

    /// After the server did not accept the key of a request, reads the key again, and returns whether there is another
    /// one to try. It is read once for all parallel requests, and not again after the same key: this ends the batch.
    pub fn renew_key(&self, refused: &Prepared) -> bool {
        let mut is_final = lock(&self.key_is_final);
        let (endpoint, console) = (self.client.endpoint(), &self.options.console);
        if refused.has_old_key(endpoint) {
            return true;
        }
        if *is_final {
            return false;
        }
        *is_final = true;
        match console.suspend(|| self.options.renew_key()) {
            Ok(true) => {
                let host = endpoint.host();
                console.note(format_args!("{host} did not accept the key, so it was read again"));
                *is_final = false;
            }
            Ok(false) => {}
            Err(error) => {
                let why = console.describe(&error);
                console.note(format_args!("the key cannot be read again: {why}"));
            }
        }
        !*is_final
    }

    /// Waits until the disk has the recorded answers.
    pub fn sync_recordings(&self) -> Result<()> {
        self.recordings.as_ref().map_or(Ok(()), Recordings::sync)
    }

    /// Whether a signal that ends the program leaves something to do. If not, the system ends it.
    pub fn has_to_clean_up(&self) -> bool {
        self.options.output.path.is_some() || self.options.check.is_some() || is_process_1()
    }

    /// When one of these signals ends the program, removes the temporary file of `-o`, ends the command of `--check`, and
    /// makes the terminal as it was.
    pub fn watch_signals(&self, signals: &[i32]) -> Result<()> {
        let (temp_file, checks) = (self.temp_file.clone(), Arc::clone(&self.checks));
        let keyboard = self.keyboard.clone();
        on_signal(signals, move |signal| {
            let _ended = checks.end_by(signal);
            let _removed = temp_file.remove();
            keyboard.restore();
            end_by(signal);
        })
    }
}
