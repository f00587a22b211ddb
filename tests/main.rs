//! Every test goes through the binary: what it prints, what it says, how it ends, what the server got.
//! One file a feature; `harness` has the one value that a test is, and the scripted server.

mod answer;
mod ask;
mod batch;
mod chat;
mod documents;
mod errands;
mod errors;
mod extract;
mod faults;
mod files;
mod harness;
mod hostile;
mod key;
mod layers;
mod log;
mod networks;
mod output;
mod pipe;
mod rehearsal;
mod report;
mod request;
mod retries;
mod secrets;
mod settings;
mod speed;
mod terminal;
