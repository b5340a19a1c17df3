//! Another server, as far as a command that sends it keys can tell: what it is sent is kept, and
//! what it answers was said beforehand.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::time::Duration;

use engine::host::{DialError, Wire};
use parking_lot::Mutex;

#[derive(Clone, Default)]
pub(crate) struct Target(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    /// Nothing while nobody listens.
    answers: Option<Vec<u8>>,
    received: Vec<u8>,
}

impl Target {
    pub fn answer(&self, answers: &[u8]) {
        self.0
            .lock()
            .answers
            .get_or_insert_default()
            .extend(answers);
    }

    pub fn take_received(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().received)
    }

    pub fn dial(&self) -> Result<Box<dyn Wire>, DialError> {
        match &self.0.lock().answers {
            Some(_) => Ok(Box::new(self.clone())),
            None => Err(DialError::NoAnswer),
        }
    }
}

impl Wire for Target {
    fn set_timeout(&mut self, _: Duration) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Target {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        let answers = state.answers.get_or_insert_default();
        let len = answers.len().min(into.len());
        if len == 0 {
            return Err(io::ErrorKind::TimedOut.into());
        }
        into[..len].copy_from_slice(&answers[..len]);
        answers.drain(..len);
        Ok(len)
    }
}

impl Write for Target {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().received.extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
