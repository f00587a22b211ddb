//! Sends requests: the connection, its proxy, and when a request may be sent.

mod agent;
pub mod client;
mod coding;
pub mod pace;
pub mod progress;
pub mod proxy;
mod resolver;
pub mod transport;
