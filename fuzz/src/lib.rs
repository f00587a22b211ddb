//! The program's own files, as they stand, for the targets to call.

#![allow(dead_code)]

pub mod api;
#[path = "../../src/error.rs"]
mod error;
pub mod output;
