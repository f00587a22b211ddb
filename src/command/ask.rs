//! One question: the straight line from what the user wants to the answer on stdout.

use anyhow::Result;

use super::interrupt::tidy_up;
use super::turn::{Asker, note_replaced};
use crate::input::{self, Sources};
use crate::output::{self, Console, Stdout};
use crate::settings::{Ask, Way};

/// Asks, or prints what would be asked.
pub fn run(ask: Ask, sources: Sources, stdout: Stdout, console: Console) -> Result<()> {
    let way = ask.way;
    let prompt = input::prompt(sources, move |text| console.note(text))?;
    note_replaced(prompt.replaced, "the prompt", console);
    let asker = Asker::new(ask, stdout, console)?;
    let question = asker.question(prompt.content, way)?;
    match way {
        Way::Send => {
            let out = asker.open()?;
            if let Some(file) = out.beside() {
                tidy_up(file.into());
            }
            asker.answer(question, out)
        }
        Way::DryRun => {
            let mut out = stdout.open();
            out.json(&question.prepared.body);
            out.end_line_on_terminal();
            out.write()
        }
        Way::Curl => stdout.print(output::curl(&question.prepared).as_bytes()),
    }
}
