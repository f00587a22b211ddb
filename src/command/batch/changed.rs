//! Items that `--resume` asks again though they have an answer: it is to another request, because the prompt, the model
//! or a setting has changed since.

use std::collections::HashSet;
use std::mem::take;
use std::path::Path;

use anyhow::Result;

use super::results::{identity, label, label_or_line};
use super::run::BatchRun;
use crate::api::Digest;
use crate::input::Items;
use crate::output::Console;
use crate::sync::lock;

/// Notes how many answers are to other requests than these items. Only a file of items can be read in advance. Items
/// that come through a pipe are left to [`note_first`].
pub fn note_all(run: &BatchRun) -> Result<()> {
    let items = &run.batch.items;
    if !items.path().is_some_and(Path::is_file) {
        return Ok(());
    }
    let answers = take(&mut lock(&run.earlier).labelled);
    if answers.is_empty() {
        return Ok(());
    }
    let (mut changed, mut unchanged) = (HashSet::new(), HashSet::new());
    // an error is reported when it stops the batch
    for item in Items::open(items)?.map_while(Result::ok) {
        let label = label(item.id.as_deref(), item.data.as_deref());
        let label_or_line = label_or_line(label, item.line);
        let is_new = answers.with_label(label_or_line).next().is_none();
        // an item without a label may have an answer from another line
        if is_new && label.is_some() {
            continue;
        }
        let endpoint = run.session.client.endpoint();
        let Ok((_, prepared)) = run.defaults.prepare(item.request, endpoint) else { continue };
        let identity = identity(label, Some(prepared.digest()), "");
        if lock(&run.earlier).has_answer(identity) {
            unchanged.insert(identity);
        } else if !is_new {
            changed.insert(label_or_line);
        }
    }
    let others = changed.into_iter().flat_map(|label| answers.with_label(label));
    let count = others.filter(|identity| !unchanged.contains(identity)).count();
    let console = &run.session.options.console;
    let file = run.results_name();
    match count {
        0 => {}
        1 => console.note(format_args!(
            "1 row of {file} answers another request and stays; its item is asked again, which is charged"
        )),
        _ => console.note(format_args!(
            "{count} rows of {file} answer other requests and stay; their items are asked again, which is charged"
        )),
    }
    Ok(())
}

/// Notes that an item is asked though there is an answer to another request of it, unless this was noted before.
pub fn note_first(run: &BatchRun, console: &Console, label: Digest, identity: Digest) {
    let mut earlier = lock(&run.earlier);
    if earlier.labelled.is_changed(label, identity) {
        drop(take(&mut earlier.labelled));
        console.note(format_args!(
            "a row of {} answers another request of this item and stays; such items are asked again, which is charged",
            run.results_name()
        ));
    }
}
