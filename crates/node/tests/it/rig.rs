//! A node on a disk that fails as planned, and what it must still know afterwards.

use std::sync::Arc;
use std::task::{Poll, Waker};

use config::{AppendFsync, Config};
use engine::Engine;
use node::jobs::Jobs;
use node::keeper::Keeper;
use node::load::Alone;
use node::start::Refusal;
use resp::value::Value;
use testkit::{Disk, Node};

/// The process's number, as in the names of temporary files.
pub const PROCESS: u32 = 7;

/// The list that tests append numbers to.
const LIST: &str = "l";

/// A node with its files.
pub struct Rig {
    pub node: Node,
    pub keeper: Arc<Keeper>,
    pub jobs: Jobs,
    pub disk: Disk,
    /// Numbers that were appended, and how many of them a client was told are safe.
    pub issued: usize,
    pub acknowledged: usize,
}

/// A configuration with the append-only file on, and no save by itself.
pub fn logging(fsync: AppendFsync) -> Config {
    let mut config = unlogged();
    config.persistence.append_only = true;
    config.persistence.append_fsync = fsync;
    config
}

/// A configuration that keeps nothing by itself.
pub fn unlogged() -> Config {
    let mut config = Config::default();
    config.persistence.save.0.clear();
    config
}

impl Rig {
    /// Starts a node on what the disk holds.
    pub fn start(disk: &Disk, config: &Config) -> Result<Rig, Refusal> {
        Rig::start_later(disk, config, 0)
    }

    /// As [`Rig::start`], so many microseconds behind the moment when all nodes start.
    pub fn start_later(disk: &Disk, config: &Config, micros: i64) -> Result<Rig, Refusal> {
        let mut node = Node::with_config(commands::table(), config.clone());
        node.advance_micros(micros);
        let keeper = Arc::new(Keeper::new(Arc::new(disk.clone()), config, PROCESS));
        keeper.start(&node.engine, &Alone)?;
        let jobs = Jobs::new(Arc::clone(&keeper));
        let mut rig = Rig {
            node,
            keeper,
            jobs,
            disk: disk.clone(),
            issued: 0,
            acknowledged: 0,
        };
        rig.issued = rig.numbers();
        rig.acknowledged = rig.issued;
        Ok(rig)
    }

    pub fn engine(&self) -> &Engine {
        &self.node.engine
    }

    pub fn ask(&mut self, line: &str) -> Option<Value> {
        let words: Vec<Vec<u8>> = line.split(' ').map(|word| word.into()).collect();
        self.node.command("a", &words)
    }

    /// How many numbers the list holds. They must be the first ones, in order.
    #[track_caller]
    pub fn numbers(&mut self) -> usize {
        let reply = self.ask(&format!("LRANGE {LIST} 0 -1"));
        let Some(Value::Array(items)) = reply else {
            panic!("no list: {reply:?}");
        };
        for (index, item) in items.iter().enumerate() {
            assert_eq!(*item, Value::Bulk(index.to_string().into_bytes()));
        }
        items.len()
    }

    /// Appends the next number. It counts as acknowledged if a client would be told so.
    pub fn append(&mut self) {
        let number = self.issued;
        let reply = self.ask(&format!("RPUSH {LIST} {number}"));
        if reply != Some(Value::Integer(number as i64 + 1)) {
            // It was refused, and not done.
            return;
        }
        self.issued += 1;
        if self.promise() {
            self.acknowledged = self.issued;
        }
    }

    /// Does what a connection does before its replies leave. Returns whether they may.
    pub fn promise(&mut self) -> bool {
        let engine = &self.node.engine;
        let end = engine.log.offset();
        if !self.keeper.waits_for_sync(engine) {
            self.keeper.flush(engine, end);
            return true;
        }
        self.keeper.sync(engine);
        let waker = Waker::noop();
        match self.keeper.log_file.poll_synced(end, waker) {
            Poll::Ready(synced) => synced.is_ok(),
            Poll::Pending => panic!("a sync leaves nobody waiting"),
        }
    }

    /// Appends more numbers, one after each step of the job under way, until it is over.
    pub fn work(&mut self) {
        for _ in 0..100_000 {
            self.jobs.tick(&self.node.engine);
            let more = self.jobs.step(&self.node.engine);
            let persistence = &self.node.engine.persistence;
            let is_over =
                persistence.saves().started.is_none() && persistence.rewrites().started.is_none();
            if is_over || self.disk.has_crashed() {
                return;
            }
            assert!(more, "a job waits for nobody here");
            if self.issued < 400 {
                self.append();
            }
        }
        panic!("the job does not end");
    }
}

/// Runs `story` on a disk again and again, with an operation crashing that comes one later each
/// time, until it is not reached any more. After each crash the node is started again, on whatever
/// the disk may have kept.
pub fn crash_everywhere(
    prepare: impl Fn(&Disk),
    config: &Config,
    story: impl Fn(&mut Rig),
    check: impl Fn(&mut Rig, &Told),
) -> usize {
    for operation in 0.. {
        let disk = Disk::default();
        prepare(&disk);
        disk.plan(operation, testkit::Fault::Crash);
        let told = match Rig::start(&disk, config) {
            Err(_) => {
                assert!(disk.has_crashed(), "nothing else was planned");
                Told::default()
            }
            Ok(mut rig) => {
                story(&mut rig);
                Told {
                    issued: rig.issued,
                    acknowledged: rig.acknowledged,
                }
            }
        };
        if !disk.has_crashed() {
            return operation;
        }
        for seed in 0..4 {
            check_restart(&disk.restart(seed), config, &told, &check, operation, seed);
        }
        // The process died, and the machine did not.
        check_restart(&disk.reopen(), config, &told, &check, operation, 99);
    }
    unreachable!("a story has an end");
}

/// What clients know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Told {
    pub issued: usize,
    pub acknowledged: usize,
}

fn check_restart(
    disk: &Disk,
    config: &Config,
    told: &Told,
    check: &impl Fn(&mut Rig, &Told),
    operation: usize,
    seed: u64,
) {
    let before = disk.paths();
    match Rig::start(disk, config) {
        Ok(mut rig) => {
            check(&mut rig, told);
            if seed == 0 {
                // A second start finds the same: the first has cleaned up without harm.
                let found = rig.numbers();
                drop(rig);
                let mut again = Rig::start(&disk.reopen(), config).unwrap();
                assert_eq!(again.numbers(), found);
            }
            let left: Vec<_> = disk.paths();
            let is_left = |path: &&String| path.contains("temp-");
            assert_eq!(left.iter().find(is_left), None, "{left:?}");
        }
        Err(refusal) => panic!(
            "crash at {operation}, seed {seed}: does not start: {refusal:?}, with {before:?}"
        ),
    }
}
