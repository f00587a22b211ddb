//! How to say it: the Messages API. Knows no terminal, no file, no flag. May import `error` alone.

mod answer;
mod client;
mod limits;
mod price;
mod proxy;
mod refusal;
mod reply;
mod sse;
mod wire;

pub use answer::{Listener, receive};
pub use client::{Auth, Client, Endpoint, Header, Key, Prepared, Response};
pub use limits::Limits;
pub use price::Price;
pub use proxy::{Proxies, proxy_for};
pub use reply::Reply;
pub use wire::{Message, Request, Role};
