//! How to say it: the Messages API. Knows no terminal, no file, no flag. May import `error` alone.

mod answer;
mod client;
mod digest;
mod failure;
mod limits;
mod mend;
mod pace;
mod prepare;
mod price;
mod proxy;
mod refusal;
mod reply;
mod retry;
mod sse;
mod transport;
mod wire;

pub use answer::{Listener, receive};
pub use client::{Client, Response, Retry, Watcher};
pub use digest::Digest;
pub use limits::{Limits, in_words};
pub use pace::{Kept, Pace};
pub use prepare::{Auth, Endpoint, Header, Key, LARGEST_REQUEST, Prepared};
pub use price::Price;
pub use proxy::{Proxies, proxy_for};
pub use reply::{Keep, Reply};
pub use retry::Policy;
pub use wire::{Content, Extra, Message, Part, Request, Role, Source, Usage, one_line};
