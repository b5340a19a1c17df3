//! Sessions that have mail, and are woken together.

use std::sync::Arc;

use super::{Client, ClientFlags};

/// Sessions that are woken when this is dropped or [released](Wakes::release), each once.
///
/// A thread that is woken at once takes the first message while the second is written, and sends
/// each on its own.
#[derive(Debug, Default)]
pub struct Wakes(Vec<Arc<Client>>);

impl Wakes {
    /// Adds a session into whose inbox something was left just now.
    pub(crate) fn add(&mut self, client: &Arc<Client>) {
        // It lowers the flag before it locks the inbox: what is left while it is up is found.
        if !client.has(ClientFlags::WOKEN) && client.note_woken() {
            self.0.push(Arc::clone(client));
        }
    }

    #[inline]
    pub fn release(&mut self) {
        for client in self.0.drain(..) {
            client.rouse();
        }
    }
}

impl Drop for Wakes {
    fn drop(&mut self) {
        self.release();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Wake, Waker};

    use super::super::{ClientId, Endpoints};
    use super::*;

    #[derive(Default)]
    struct Counter(AtomicUsize);

    impl Wake for Counter {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    #[test]
    fn a_session_is_woken_once_and_at_the_end() {
        let client = Client::new(ClientId(1), Endpoints::default(), 0, Arc::default());
        let (client, counter) = (Arc::new(client), Arc::new(Counter::default()));
        client.set_waker(&Waker::from(Arc::clone(&counter)));
        let woken = || counter.0.load(Ordering::Relaxed);
        let mut wakes = Wakes::default();
        for message in [b"a", b"b"] {
            client.leave(message);
            wakes.add(&client);
        }
        assert_eq!(woken(), 0);
        wakes.release();
        assert_eq!(woken(), 1);
        client.leave(b"c");
        wakes.add(&client);
        drop(wakes);
        assert_eq!(woken(), 1, "it has not looked yet");
        let mut found = Vec::new();
        client.take_inbox(&mut found);
        assert_eq!(found, b"abc");
        client.leave(b"d");
        Wakes::default().add(&client);
        assert_eq!(woken(), 2);
    }
}
