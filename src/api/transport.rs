//! One connection as this program wants it: a buffer that starts small and grows where an answer's head needs
//! it, and an error that tells whether the answer had begun. It sits on top of whatever the library connected:
//! plain or TLS, through a proxy or not.

use std::io::{Error as Io, ErrorKind};

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

/// How many bytes of headers an answer may have.
pub const LARGEST_HEAD: usize = 256 << 10;

/// Puts a [`Connection`] on top of what was connected.
#[derive(Debug)]
pub struct Roomy;

impl<T: Transport> Connector<T> for Roomy {
    type Out = Connection<T>;

    fn connect(&self, _: &ConnectionDetails, below: Option<T>) -> Result<Option<Self::Out>, Error> {
        Ok(below.map(|below| Connection {
            below,
            input: Vec::new(),
            used: 0,
            helped: false,
        }))
    }
}

/// A connection with an input buffer of its own. The library's has one size, is zeroed at the start, and has to
/// hold a whole head: for 256 KiB that cost one question in ten of its milliseconds.
#[derive(Debug)]
pub struct Connection<T> {
    below: T,
    input: Vec<u8>,
    /// How much of the input is done with, in bytes.
    used: usize,
    /// Whether the last look at the input was of any use, or more of it is needed.
    helped: bool,
}

/// What ended a connection in the middle of an answer, so that nobody takes it for no answer at all.
#[derive(Debug)]
pub struct CutShort(pub Error);

impl std::fmt::Display for CutShort {
    fn fmt(&self, form: &mut std::fmt::Formatter) -> std::fmt::Result {
        self.0.fmt(form)
    }
}

impl std::error::Error for CutShort {}

impl<T: Transport> Transport for Connection<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        self.below.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.input.drain(..self.used);
        self.used = 0;
        if self.input.len() > LARGEST_HEAD {
            // nothing but a head or what stands between two chunks is ever kept, and neither is so long
            return Ok(false);
        }
        let came = self.below.await_input(timeout);
        if !matches!(came, Ok(true)) && !self.input.is_empty() {
            let closed = || Io::new(ErrorKind::UnexpectedEof, "peer disconnected").into();
            let error = came.err().unwrap_or_else(closed);
            return Err(Error::Other(Box::new(CutShort(error))));
        }
        let below = self.below.buffers();
        self.input.extend_from_slice(below.input());
        below.input_consume(below.input().len());
        came
    }

    fn is_open(&mut self) -> bool {
        self.below.is_open()
    }

    fn is_tls(&self) -> bool {
        self.below.is_tls()
    }
}

impl<T: Transport> Buffers for Connection<T> {
    fn output(&mut self) -> &mut [u8] {
        self.below.buffers().output()
    }

    fn input(&self) -> &[u8] {
        &self.input[self.used..]
    }

    fn input_append_buf(&mut self) -> &mut [u8] {
        self.below.buffers().input_append_buf()
    }

    fn input_appended(&mut self, amount: usize) {
        self.below.buffers().input_appended(amount);
    }

    fn input_consume(&mut self, amount: usize) {
        self.used += amount;
        self.helped = amount > 0;
    }

    fn tmp_and_output(&mut self) -> (&mut [u8], &mut [u8]) {
        self.below.buffers().tmp_and_output()
    }

    fn can_use_input(&self) -> bool {
        !self.input().is_empty() && self.helped
    }
}
