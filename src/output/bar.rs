//! How far a batch is: a bar on stderr where it is a terminal.

use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;

/// The bar, or nothing.
pub struct Bar(Option<ProgressBar>);

impl Bar {
    /// A bar for this many items; without a number it only counts.
    pub fn start(console: Console, total: Option<u64>) -> Self {
        if !console.may_move() {
            return Self(None);
        }
        let template = match total {
            Some(_) => "{bar:24} {human_pos}/{human_len} {msg}, {eta} left",
            None => "{spinner} {human_pos} done {msg}",
        };
        let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr());
        bar.set_style(
            ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
        );
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    /// Whether anyone sees it.
    pub fn is_shown(&self) -> bool {
        self.0.is_some()
    }

    /// Shows the state of things.
    pub fn update(&self, done: u64, failed: u64, tokens: u64, credits: Option<f64>) {
        if let Some(bar) = &self.0 {
            let credits = credits.map_or(String::new(), |credits| format!(", ${credits:.2} left"));
            bar.set_message(format!(
                "({failed} failed, {} tokens{credits})",
                HumanCount(tokens)
            ));
            bar.set_position(done);
        }
    }

    /// Prints something else while the bar is out of the way.
    pub fn beside(&self, print: impl FnOnce()) {
        match &self.0 {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the bar away, without a trace.
    pub fn stop(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// A number with its thousands apart.
pub fn counted(number: u64) -> String {
    HumanCount(number).to_string()
}
