//! A wrapper around the library's connections, for what the library cannot do: read an answer that comes during the
//! upload, notice that a reused connection is dead, look for data once more before a time-out, and obey a deadline.

use std::io::{Error as Io, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ureq::http::uri::Authority;
use ureq::unversioned::transport::{
    Buffers, ConnectionDetails, Connector, DefaultConnector, NextTimeout, Transport,
};
use ureq::{Error, Timeout};

use crate::api::deadline::Deadline;
use crate::api::error::connection::ConnectionFault;

/// If a reused connection fails this soon after sending, it was dead before: servers close idle connections.
const DEAD_WITHIN: Duration = Duration::from_secs(1);
/// How long the last look for data takes.
const LAST_LOOK: Duration = Duration::from_millis(1);

/// Wraps each connection that the library opens. All clones belong to one client.
#[derive(Debug, Clone)]
pub struct Wrapping {
    pub inner: Arc<DefaultConnector>,
    pub server: Option<Authority>,
    pub deadline: Deadline,
    /// Set when a part of a request is sent to the server.
    pub sent: Arc<AtomicBool>,
}

impl Connector for Wrapping {
    type Out = Box<dyn Transport>;

    fn connect(
        &self,
        details: &ConnectionDetails,
        _: Option<()>,
    ) -> Result<Option<Self::Out>, Error> {
        let Some(inner) = self.inner.connect(details, None)? else { return Ok(None) };
        Ok(Some(Box::new(Connection {
            inner,
            deadline: self.deadline.clone(),
            sent: Arc::clone(&self.sent),
            is_server: details.uri.authority() == self.server.as_ref(),
            last_sent: Instant::now(),
            has_answered: false,
            reused: false,
            upload_is_over: false,
            answered_early: false,
        })))
    }
}

#[derive(Debug)]
struct Connection {
    inner: Box<dyn Transport>,
    deadline: Deadline,
    sent: Arc<AtomicBool>,
    /// It leads to the server, perhaps through a proxy. `false` for the connection to the proxy itself.
    is_server: bool,
    /// When the last part of the request was sent.
    last_sent: Instant,
    /// A part of the answer has arrived.
    has_answered: bool,
    /// It has carried another request before.
    reused: bool,
    /// The server takes no more of the request. Perhaps it has answered already.
    upload_is_over: bool,
    /// A part of the answer was read during the upload.
    answered_early: bool,
}

impl Connection {
    /// Reads, and looks for data once more before a time-out: if this process was suspended, the time is over
    /// although data has arrived.
    fn read(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        match self.inner.await_input(timeout) {
            // the time for everything is over, data or not
            Err(Error::Timeout(Timeout::Global)) => Err(Error::Timeout(Timeout::Global)),
            Err(Error::Timeout(_)) if self.look_once_more(timeout) => Ok(true),
            result => result,
        }
    }

    /// Whether there is data to read now.
    fn look_once_more(&mut self, timeout: NextTimeout) -> bool {
        let timeout = NextTimeout { after: LAST_LOOK.into(), ..timeout };
        matches!(self.inner.await_input(timeout), Ok(true))
    }
}

impl Transport for Connection {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if !self.is_server {
            return self.inner.transmit_output(amount, timeout);
        }
        self.sent.store(true, Ordering::Relaxed);
        self.reused |= std::mem::take(&mut self.has_answered);
        self.last_sent = Instant::now();
        if self.upload_is_over {
            return Ok(());
        }
        let result = self.inner.transmit_output(amount, timeout);
        self.upload_is_over = match &result {
            Err(Error::Io(error)) => is_closed(error.kind()),
            // the server may have answered, although it neither reads nor closes the connection
            Err(Error::Timeout(_)) => {
                self.answered_early = self.look_once_more(timeout);
                self.answered_early
            }
            _ => false,
        };
        if self.upload_is_over { Ok(()) } else { result }
    }

    fn await_input(&mut self, mut timeout: NextTimeout) -> Result<bool, Error> {
        if let Some(left) = self.deadline.left() {
            if left.is_zero() {
                return Err(Error::Timeout(Timeout::RecvBody));
            }
            timeout.per_read =
                Some(timeout.per_read.map_or(left.into(), |limit| limit.min(left.into())));
        }
        if std::mem::take(&mut self.answered_early) {
            self.has_answered = true;
            return Ok(true);
        }
        // unread input is a part of a head, or of the line before a chunk
        let is_torn = !self.inner.buffers().input().is_empty() && self.is_server;
        let result = self.read(timeout);
        let closed = match &result {
            Ok(true) => {
                self.has_answered = true;
                return result;
            }
            Ok(false) => true,
            Err(Error::Io(error)) => is_closed(error.kind()),
            Err(_) => false,
        };
        let is_dead = closed
            && self.is_server
            && self.reused
            && !self.has_answered
            && self.last_sent.elapsed() < DEAD_WITHIN;
        let closed_early = || Error::from(Io::new(ErrorKind::UnexpectedEof, "connection closed"));
        let fault = if is_torn {
            ConnectionFault::InHead
        } else if is_dead {
            ConnectionFault::Dead
        } else {
            return result;
        };
        Err(Error::Other(Box::new(fault(result.err().unwrap_or_else(closed_early)))))
    }

    fn is_open(&mut self) -> bool {
        !self.upload_is_over && self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}

/// Whether this error means that the other side closed the connection.
fn is_closed(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::UnexpectedEof
            | ErrorKind::ConnectionReset
            | ErrorKind::ConnectionAborted
            | ErrorKind::BrokenPipe
    )
}
