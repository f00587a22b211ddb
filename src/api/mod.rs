//! The Messages API: requests, how they are sent, and what comes back. It knows no terminal, file or flag.

mod answer;
mod client;
mod digest;
mod endpoint;
pub mod error_body;
mod failure;
mod fold;
mod head;
pub mod json;
pub mod limits;
mod models;
mod pace;
mod parts;
mod price;
mod proxy;
mod relay;
mod reply;
mod request;
mod resolver;
pub mod retry;
pub mod sse;
mod tls;
mod transport;
mod wire;

pub use answer::Answer;
pub use client::{Client, Progress, Retry, Sent};
pub use digest::Digest;
pub use endpoint::{Auth, Endpoint, Header, Origin, Secret};
pub use head::Head;

pub use json::{BYTE_ORDER_MARK, Fields, one_line};
pub use limits::{Limits, in_words};
pub use models::{MODELS, Model, is_model_id, model_id};
pub use pace::{Candidate, Pace, stopped};
pub use parts::Wanted;
pub use price::{Price, Prices};
pub use proxy::proxy_for;
pub use reply::Reply;
pub use request::{
    Content, ContentBlock, LARGEST_REQUEST, Message, Prepared, Request, Role, Source, too_large,
};
pub use retry::Policy;
pub use wire::Usage;
