//! The link to an instance, as far as it needs no socket: what is to be sent on it, and whether it
//! is still wanted.

use core::net::IpAddr;
use std::task::{Poll, Waker};

use ::sentinel::{ConnectionId, Way};
use parking_lot::Mutex;
use resp::reply::write_request;

pub struct Link {
    pub id: ConnectionId,
    pub way: Way,
    pub ip: IpAddr,
    pub port: u16,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    out: Vec<u8>,
    is_closed: bool,
    /// Who waits for something to send, and who for the end.
    sender: Option<Waker>,
    closer: Option<Waker>,
}

impl Link {
    pub(super) fn new(id: ConnectionId, way: Way, ip: IpAddr, port: u16) -> Link {
        Link {
            id,
            way,
            ip,
            port,
            state: Mutex::default(),
        }
    }

    pub(super) fn send(&self, words: &[Vec<u8>]) {
        let mut state = self.state.lock();
        write_request(&mut state.out, words);
        wake(&mut state.sender);
    }

    /// Nobody wants the link any longer.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        wake(&mut state.closer);
    }

    /// Waits until something is to be sent, and takes it.
    pub fn poll_out(&self, waker: &Waker) -> Poll<Vec<u8>> {
        let mut state = self.state.lock();
        if state.out.is_empty() {
            state.sender = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(std::mem::take(&mut state.out))
    }

    /// Waits until nobody wants the link any longer.
    pub fn poll_closed(&self, waker: &Waker) -> Poll<()> {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.closer = Some(waker.clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }
}

fn wake(waker: &mut Option<Waker>) {
    if let Some(waker) = waker.take() {
        waker.wake();
    }
}
