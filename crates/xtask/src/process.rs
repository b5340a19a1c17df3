//! What a verb starts it also ends: child processes, their orphans and its scratch folder.
//!
//! A `Workplace` lives as long as the verb. Daemons that outlive their parent are adopted by this
//! process (it is a "child subreaper"), so everything started here stays findable as a descendant;
//! nothing else is ever signalled. Ctrl-C ends the same things as a normal return.

use anyhow::{Context, Result};
use rustix::process::{Pid, Signal};
use signal_hook::consts::{SIGINT, SIGTERM};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long an ended process may take before it is killed.
const TERMINATION_MAX: Duration = Duration::from_secs(2);

pub struct Workplace {
    folder: PathBuf,
}

impl Workplace {
    pub fn open() -> Result<Self> {
        rustix::process::set_child_subreaper(Some(rustix::process::getpid()))?;
        let folder = std::env::temp_dir().join(format!("ochre-xtask-{}", std::process::id()));
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("creating {}", folder.display()))?;
        let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
        let doomed = folder.clone();
        std::thread::spawn(move || {
            if signals.forever().next().is_some() {
                close(&doomed);
                std::process::exit(130);
            }
        });
        Ok(Self { folder })
    }

    /// The scratch folder, removed when the verb ends.
    pub fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Workplace {
    fn drop(&mut self) {
        close(&self.folder);
    }
}

fn close(folder: &Path) {
    sweep();
    // A leftover folder in the temporary directory harms nobody.
    let _ = std::fs::remove_dir_all(folder);
}

/// Ends every descendant of this process.
pub fn sweep() {
    let signal_all = |signal: Signal| {
        for pid in descendants() {
            // It may have ended by itself in between.
            let _ = rustix::process::kill_process(pid, signal);
        }
    };
    if descendants().is_empty() {
        return;
    }
    signal_all(Signal::CONT);
    signal_all(Signal::TERM);
    let deadline = Instant::now() + TERMINATION_MAX;
    while !descendants().is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
    }
    signal_all(Signal::KILL);
}

/// The living processes below this one.
fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes {
        let pid = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        let stat = std::fs::read_to_string(process.path().join("stat")).ok();
        let parent = stat.as_deref().and_then(parent_if_alive);
        if let (Some(pid), Some(parent)) = (pid, parent) {
            children.entry(parent).or_default().push(pid);
        }
    }
    let mut found = Vec::new();
    let mut visit = vec![rustix::process::getpid().as_raw_nonzero().get()];
    while let Some(parent) = visit.pop() {
        let below = children.get(&parent).into_iter().flatten().copied();
        visit.extend(below.clone());
        found.extend(below.filter_map(Pid::from_raw));
    }
    found
}

/// The parent from a line of `/proc/PID/stat`; none for a zombie.
fn parent_if_alive(stat: &str) -> Option<i32> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let alive = fields.next()? != "Z";
    let parent = fields.next()?.parse().ok()?;
    alive.then_some(parent)
}

/// Whether a program of this name is on the search path.
pub fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
