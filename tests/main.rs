//! Every test runs the program: what it prints and says, how it ends, and what the server got.
//! One file a feature; `harness` has the run that every test describes, and the server that it asks.

mod answer;
#[cfg(unix)]
mod batch;
mod blocks;
#[cfg(unix)]
mod cache;
mod chat;
mod check;
mod coding;
mod config;
#[cfg(unix)]
mod documents;
mod errors;
mod extract;
mod fallback;
mod files;
mod foreign;
// without the modules that need Unix, parts of it are not used
#[cfg_attr(not(unix), allow(dead_code, unused_imports))]
mod harness;
mod hints;
#[cfg(unix)]
mod hostile;
#[cfg(unix)]
mod in_place;
#[cfg(unix)]
mod jobs;
#[cfg(unix)]
mod key;
mod layers;
mod lists;
mod log;
#[cfg(unix)]
mod max_time;
mod mock;
mod models;
#[cfg(unix)]
mod modes;
mod names;
mod network;
#[cfg(unix)]
mod oddities;
#[cfg(unix)]
mod output;
#[cfg(unix)]
mod pipe;
#[cfg(target_os = "linux")]
mod process_1;
mod prompt;
mod recording;
mod relays;
mod report;
mod request;
mod retry;
#[cfg(unix)]
mod secrets;
#[cfg(unix)]
mod speed;
#[cfg(unix)]
mod terminal;
mod truncation;
#[cfg(unix)]
mod typing;
mod undo;
#[cfg(unix)]
mod upload;
mod whole;

#[cfg(not(unix))]
#[test]
fn says_which_modules_need_unix() {
    let mut lines = include_str!("main.rs").lines();
    while lines.any(|line| line == "#[cfg(unix)]") {
        if let Some(module) = lines.next() {
            harness::skip(&format!("{module} needs a Unix shell, terminal, signal or file mode"));
        }
    }
}
