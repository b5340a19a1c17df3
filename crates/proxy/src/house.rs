//! What runs: the pools, whoever brings them clients, and how both change when the file does.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::configuration::{self, Configuration};
use crate::listener::Listener;
use crate::log::{self, Log};
use crate::pool::Pool;
use crate::sentinel;
use crate::stream::error_words;
use crate::worker::Order;

/// The pools that there are now, for whoever reports on them.
#[derive(Clone, Default)]
pub struct Registry(Arc<Mutex<Vec<Arc<Pool>>>>);

impl Registry {
    pub fn pools(&self) -> Vec<Arc<Pool>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn set(&self, pools: Vec<Arc<Pool>>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = pools;
    }
}

/// What clients with the right to may ask of the whole program.
#[derive(Debug)]
pub struct Control {
    /// The configuration file.
    pub path: String,
    /// Told when it is to be read again.
    pub reload: Notify,
}

/// A pool that is served.
struct Seat {
    number: u64,
    pool: Arc<Pool>,
    listener: Arc<Listener>,
    tasks: Vec<JoinHandle<()>>,
}

/// Everything that runs.
pub struct House {
    seats: Vec<Seat>,
    next_number: u64,
    workers: Vec<UnboundedSender<Order>>,
    pub registry: Registry,
    control: Arc<Control>,
    log: Arc<Log>,
}

/// What becomes of a pool of the file.
enum Fate {
    /// It stays as it is: the seat's index.
    Same(usize),
    /// It takes the place of another, perhaps at another socket.
    Instead(usize, Arc<Pool>, Arc<Listener>),
    New(Arc<Pool>, Arc<Listener>),
}

impl House {
    pub fn new(
        workers: Vec<UnboundedSender<Order>>,
        control: Arc<Control>,
        log: Arc<Log>,
    ) -> House {
        House {
            seats: Vec::new(),
            next_number: 0,
            workers,
            registry: Registry::default(),
            control,
            log,
        }
    }

    /// Makes everything as a file says. If that cannot be done, nothing is changed.
    pub async fn furnish(&mut self, configuration: Configuration) -> Result<(), String> {
        for key in &configuration.ignored {
            let text = format!("{key} is understood and has no effect");
            self.log.line(log::NOTICE, &text);
        }
        let mut fates = Vec::with_capacity(configuration.pools.len());
        for config in configuration.pools {
            fates.push(self.fate(config).await?);
        }
        let mut old: Vec<Option<Seat>> = self.seats.drain(..).map(Some).collect();
        let mut seats = Vec::with_capacity(fates.len());
        for fate in fates {
            let seat = match fate {
                Fate::Same(index) => old[index].take(),
                Fate::Instead(index, pool, listener) => {
                    let before = old[index].take();
                    before.map(|before| self.replace(before, pool, listener))
                }
                Fate::New(pool, listener) => Some(self.open(pool, listener, None)),
            };
            seats.extend(seat);
        }
        for seat in old.into_iter().flatten() {
            let text = format!("pool {} is closed", seat.pool.config.name);
            self.log.line(log::NOTICE, &text);
            seat.tasks.iter().for_each(JoinHandle::abort);
            self.tell(|| Order::Retire(seat.number));
        }
        self.seats = seats;
        let pools = self.seats.iter().map(|seat| Arc::clone(&seat.pool));
        self.registry.set(pools.collect());
        Ok(())
    }

    /// What is to be done for a pool of the file. What can fail is done here.
    async fn fate(&self, config: configuration::Pool) -> Result<Fate, String> {
        let same_name = |seat: &Seat| seat.pool.config.name == config.name;
        let before = self.seats.iter().position(same_name);
        if let Some(index) = before
            && self.seats[index].pool.config == config
        {
            return Ok(Fate::Same(index));
        }
        let kept = self
            .seats
            .iter()
            .find(|seat| seat.pool.config.listen == config.listen);
        let listener = match kept {
            Some(seat) => Arc::clone(&seat.listener),
            None => Arc::new(Listener::bind(&config).map_err(|error| {
                let listen = &config.listen;
                format!("cannot listen at {listen}: {}", error_words(&error))
            })?),
        };
        let pool = Pool::new(config, self.workers.len(), Arc::clone(&self.control))?;
        let pool = Arc::new(pool);
        // Who serves is asked before clients come.
        for pool in [Some(&pool), pool.source.as_ref()].into_iter().flatten() {
            sentinel::learn(pool, &self.log, 0).await;
            sentinel::learn_cluster(pool, &self.log, 0).await;
        }
        Ok(match before {
            Some(index) if self.seats[index].pool.config.language == pool.config.language => {
                Fate::Instead(index, pool, listener)
            }
            _ => Fate::New(pool, listener),
        })
    }

    /// Clients stay, and go over to the new pool.
    fn replace(&mut self, before: Seat, pool: Arc<Pool>, listener: Arc<Listener>) -> Seat {
        before.tasks.iter().for_each(JoinHandle::abort);
        let text = format!("pool {} is changed", pool.config.name);
        self.log.line(log::NOTICE, &text);
        self.open(pool, listener, Some(before.number))
    }

    fn open(&mut self, pool: Arc<Pool>, listener: Arc<Listener>, instead: Option<u64>) -> Seat {
        let number = self.next_number;
        self.next_number += 1;
        if let Err(error) = listener.adjust(&pool.config) {
            let text = format!("{}: {}", pool.config.listen, error_words(&error));
            self.log.line(log::ERROR, &text);
        }
        self.tell(|| Order::Install {
            number,
            pool: Arc::clone(&pool),
            instead,
        });
        let accept = Arc::clone(&listener).run(Arc::clone(&pool), number, self.workers.clone());
        let mut tasks = vec![tokio::spawn(accept)];
        for pool in [Some(&pool), pool.source.as_ref()].into_iter().flatten() {
            let (again, log) = (Arc::clone(pool), Arc::clone(&self.log));
            tasks.push(tokio::spawn(sentinel::follow(again, log)));
            let (again, log) = (Arc::clone(pool), Arc::clone(&self.log));
            tasks.push(tokio::spawn(sentinel::follow_cluster(again, log)));
        }
        let config = &pool.config;
        let text = format!("pool {} listens at {}", config.name, config.listen);
        self.log.line(log::NOTICE, &text);
        Seat {
            number,
            pool,
            listener,
            tasks,
        }
    }

    fn tell(&self, order: impl Fn() -> Order) {
        for worker in &self.workers {
            // A worker that has ended needs no order.
            drop(worker.send(order()));
        }
    }

    /// Nobody is let in any longer, and who is idle is let go.
    pub async fn close(mut self) {
        for seat in self.seats.drain(..) {
            for task in seat.tasks {
                task.abort();
                // Aborted tasks tell so.
                drop(task.await);
            }
        }
        self.tell(|| Order::Drain);
    }
}
