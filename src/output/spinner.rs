//! The text of the spinner.

use std::time::{Duration, Instant};

use super::live::REDRAW;

const FRAMES: [char; 8] = ['⠁', '⠂', '⠄', '⡀', '⢀', '⠠', '⠐', '⠈'];

/// What a question waits for.
#[derive(Debug, Default)]
pub enum Phase {
    /// The answer.
    #[default]
    Waiting,
    /// The end of the pause before a retry.
    Pausing { until: Instant },
    /// The end of the thoughts that began then.
    Thinking { since: Instant },
}

impl Phase {
    /// The spinner after this time.
    pub fn frame(&self, elapsed: Duration) -> String {
        let frame = FRAMES[(elapsed.as_millis() / REDRAW.as_millis()) as usize % FRAMES.len()];
        let waiting = format!("{frame} waiting{}", seconds(elapsed));
        match self {
            Self::Waiting => waiting,
            Self::Pausing { until } => {
                let left = until.saturating_duration_since(Instant::now());
                format!("{waiting}, next try in {:.0} s", left.as_secs_f64().ceil())
            }
            Self::Thinking { since } => format!("{frame} thinking{}", seconds(since.elapsed())),
        }
    }
}

/// ` 3 s`; nothing in the first second.
fn seconds(elapsed: Duration) -> String {
    match elapsed.as_secs() {
        0 => String::new(),
        seconds => format!(" {seconds} s"),
    }
}
