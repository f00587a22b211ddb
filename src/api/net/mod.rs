//! Sends requests: the connection, its proxy, and when a request may be sent.

mod agent;
pub mod client;
mod coding;
pub mod pace;
pub mod proxy;
mod resolver;
pub mod transport;
