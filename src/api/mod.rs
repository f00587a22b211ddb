//! The Messages API: requests, how they are sent, and what comes back. It knows no terminal and no file. Its
//! hints name flags, but it reads none.

pub mod deadline;
mod digest;
mod endpoint;
pub mod error;
mod head;
pub mod json;
mod limits;
mod message;
mod models;
mod net;
mod price;
pub mod reply;
mod request;
pub mod time;
mod usage;

pub use deadline::TimeLimit;
pub use digest::Digest;
pub use endpoint::{Auth, Endpoint, Header, HeaderSource, Key, Secret};
pub use error::retry::Policy;
pub use head::Head;
pub use json::{BYTE_ORDER_MARK, Fields, one_line};
pub use limits::Limits;
pub use message::{Base64Source, Content, ContentBlock, Message, Role};
pub use models::{Aliases, MODELS, Model, is_model_id};
pub use net::client::Client;
pub use net::pace::{Pace, stopped};
pub use net::progress::{Progress, Retry, Sent, Stats};
pub use net::proxy::proxy_for;
pub use price::{Cost, Dollars, Price, Prices};
pub use reply::Reply;
pub use reply::answer::{Answer, State};
pub use reply::retain::Retain;
pub use request::{LARGEST_REQUEST, Prepared, Request, nothing_to_cache, too_large};
pub use time::in_words;
pub use usage::Usage;
