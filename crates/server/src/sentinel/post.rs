//! What has happened on links, told to the machine by one thread, which also lets time pass.
//!
//! The machine's file is synced within a step. On a thread of the runtime that would hold up the
//! very requests that the step has sent before.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use engine::Engine;
use node::sentinel::{Link, Sentinel};
use resp::value::Value;
use sentinel::Input;
use tokio::runtime::Handle;
use tokio::sync::mpsc::Receiver;
use tokio::time::timeout;

use crate::memory;

/// Between two ticks at most: the machine has to notice when time leaps.
const TICK_MAX: Duration = Duration::from_millis(100);

/// What has happened.
pub enum Event {
    Connected(Arc<Link>, IpAddr),
    Reply(Arc<Link>, Value),
    Lost(Arc<Link>, String),
    Resolved {
        host: String,
        ip: Option<IpAddr>,
    },
    /// The next deadline has come nearer.
    Rearm,
}

pub struct Post {
    engine: Arc<Engine>,
    sentinel: Arc<Sentinel>,
    events: Receiver<Event>,
}

impl Post {
    /// Starts the thread. It ends with the process.
    pub fn open(
        engine: &Arc<Engine>,
        sentinel: &Arc<Sentinel>,
        events: Receiver<Event>,
    ) -> io::Result<()> {
        let mut post = Post {
            engine: Arc::clone(engine),
            sentinel: Arc::clone(sentinel),
            events,
        };
        let runtime = Handle::current();
        let run = move || {
            memory::count_this_thread();
            while post.take(&runtime) {}
        };
        let builder = std::thread::Builder::new().name("ochre-sentinel".to_owned());
        builder.spawn(run).map(drop)
    }

    /// Takes in what happens next, or that time has passed. Returns whether more can follow.
    fn take(&mut self, runtime: &Handle) -> bool {
        let now_ms = self.engine.host.monotonic_nanos() / 1_000_000;
        let left_ms = self.sentinel.deadline_ms().saturating_sub(now_ms);
        if left_ms == 0 {
            self.sentinel.tell(&self.engine, Input::Tick);
        }
        let pause = Duration::from_millis(left_ms).min(TICK_MAX);
        match runtime.block_on(async { timeout(pause, self.events.recv()).await }) {
            Ok(Some(event)) => self.tell(&event),
            Ok(None) => return false,
            Err(_) if left_ms > 0 => self.sentinel.tell(&self.engine, Input::Tick),
            Err(_) => {}
        }
        true
    }

    fn tell(&self, event: &Event) {
        let (engine, sentinel) = (&self.engine, &self.sentinel);
        match event {
            Event::Connected(link, local_ip) => {
                let (connection, local_ip) = (link.id, *local_ip);
                let input = Input::Connected {
                    connection,
                    local_ip,
                };
                sentinel.tell_of(engine, link, input);
            }
            Event::Reply(link, value) => {
                let connection = link.id;
                sentinel.tell_of(engine, link, Input::Reply { connection, value });
            }
            Event::Lost(link, why) => {
                let connection = link.id;
                sentinel.tell_of(engine, link, Input::Lost { connection, why });
            }
            Event::Resolved { host, ip } => {
                sentinel.tell(engine, Input::Resolved { host, ip: *ip });
            }
            Event::Rearm => {}
        }
    }
}
