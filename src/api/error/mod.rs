//! Why an attempt failed, in the server's words and in ours, and whether the request may be sent again.

pub mod attempt;
pub mod body;
pub mod connection;
mod field;
mod origin;
pub mod relay;
pub mod retry;
pub mod tls;
pub mod words;
