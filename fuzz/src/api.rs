//! From the room of the same name, what reads a server's bytes.

#[path = "../../src/api/limits.rs"]
pub mod limits;
#[path = "../../src/api/mend.rs"]
pub mod mend;
#[path = "../../src/api/refusal.rs"]
pub mod refusal;
#[path = "../../src/api/retry.rs"]
pub mod retry;
#[path = "../../src/api/sse.rs"]
pub mod sse;
#[path = "../../src/api/wire.rs"]
pub mod wire;
