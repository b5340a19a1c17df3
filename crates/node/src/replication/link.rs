//! The link to the primary, as far as it needs no socket: what is to be sent on it, and whether it
//! is still wanted.

use std::sync::Arc;
use std::task::Waker;

use ::replication::{LinkId, Primary};
use engine::clients::Client;
use parking_lot::Mutex;

pub struct Link {
    pub id: LinkId,
    pub primary: Primary,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    out: Vec<u8>,
    is_closed: bool,
    waker: Option<Waker>,
    /// Who applies the stream.
    client: Option<Arc<Client>>,
}

impl Link {
    pub(super) fn new(id: LinkId, primary: Primary) -> Link {
        Link {
            id,
            primary,
            state: Mutex::default(),
        }
    }

    pub(super) fn send(&self, bytes: &[u8]) {
        let mut state = self.state.lock();
        if !state.is_closed {
            state.out.extend_from_slice(bytes);
        }
        wake(&mut state);
    }

    /// Nobody wants the link any longer. Nothing of its stream is applied from here on.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.is_closed = true;
        if let Some(client) = state.client.take() {
            client.kill();
        }
        wake(&mut state);
    }

    pub fn is_closed(&self) -> bool {
        self.state.lock().is_closed
    }

    /// Takes what is to be sent. `None` if the link is closed. `waker` is woken when there is more.
    pub fn take_out(&self, waker: &Waker) -> Option<Vec<u8>> {
        let mut state = self.state.lock();
        if state.is_closed {
            return None;
        }
        state.waker = Some(waker.clone());
        Some(std::mem::take(&mut state.out))
    }

    /// The stream is applied by this client, who is killed with the link.
    pub(super) fn set_client(&self, client: &Arc<Client>) {
        let mut state = self.state.lock();
        match state.is_closed {
            true => client.kill(),
            false => state.client = Some(Arc::clone(client)),
        }
    }
}

fn wake(state: &mut State) {
    if let Some(waker) = state.waker.take() {
        waker.wake();
    }
}
