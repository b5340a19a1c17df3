//! What the allocator and the system say about the process's memory.

use std::cell::OnceCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use engine::host::Memory;
use parking_lot::Mutex;
use tikv_jemalloc_ctl::thread::{ThreadLocal, allocatedp, deallocatedp};
use tikv_jemalloc_ctl::{epoch, stats};

/// Remembers the most that was used, and how much before any data came.
///
/// The allocator's own sum takes long to gather. Between two of those, what the threads that ask
/// have taken and given back since says how it has changed.
#[derive(Default)]
pub struct Gauge {
    peak: AtomicU64,
    startup: AtomicU64,
    /// The allocator's sum, less what the threads had taken when it was gathered.
    base: AtomicI64,
    taken: Mutex<Vec<Arc<AtomicI64>>>,
}

/// What one thread has taken from the allocator and not given back.
struct Account {
    taken: Arc<AtomicI64>,
    allocated: ThreadLocal<u64>,
    deallocated: ThreadLocal<u64>,
}

thread_local! {
    static ACCOUNT: OnceCell<Option<Account>> = const { OnceCell::new() };
}

impl Gauge {
    /// Says that what is used now is the program itself.
    pub fn mark_startup(&self) {
        self.startup.store(self.read().used, Ordering::Relaxed);
    }

    pub fn read(&self) -> Memory {
        // The allocator gathers its figures when the epoch is advanced.
        let _ = epoch::advance();
        let used = stats::allocated::read().unwrap_or_default() as u64;
        self.settle();
        self.base
            .store(used as i64 - self.taken_by_threads(), Ordering::Relaxed);
        self.peak.fetch_max(used, Ordering::Relaxed);
        Memory {
            used,
            used_peak: self.peak.load(Ordering::Relaxed),
            startup: self.startup.load(Ordering::Relaxed),
            resident: resident_bytes().unwrap_or_default(),
            allocator_active: stats::active::read().unwrap_or_default() as u64,
            allocator_resident: stats::resident::read().unwrap_or_default() as u64,
            allocator: "jemalloc-5.3.0",
            system: system_bytes().unwrap_or_default(),
        }
    }
}

impl Gauge {
    /// As `used` of [`Gauge::read`], but for what other threads did since they last asked.
    pub fn used(&self) -> u64 {
        if !self.settle() {
            return self.read().used;
        }
        let used = self.base.load(Ordering::Relaxed) + self.taken_by_threads();
        used.max(0) as u64
    }

    fn taken_by_threads(&self) -> i64 {
        let accounts = self.taken.lock();
        accounts
            .iter()
            .map(|taken| taken.load(Ordering::Relaxed))
            .sum()
    }

    /// Writes down what this thread has taken. False if the allocator does not say.
    fn settle(&self) -> bool {
        ACCOUNT.with(|account| {
            let account = account.get_or_init(|| {
                let account = Account {
                    taken: Arc::default(),
                    allocated: allocatedp::read().ok()?,
                    deallocated: deallocatedp::read().ok()?,
                };
                self.taken.lock().push(Arc::clone(&account.taken));
                Some(account)
            });
            let Some(account) = account else {
                return false;
            };
            let taken = account.allocated.get() as i64 - account.deallocated.get() as i64;
            account.taken.store(taken, Ordering::Relaxed);
            true
        })
    }
}

fn resident_bytes() -> Option<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = statm.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn system_bytes() -> Option<u64> {
    let info = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find(|line| line.starts_with("MemTotal:"))?;
    let kibibytes: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kibibytes * 1024)
}

/// Has a thread of the allocator give unused memory back to the system, so that no command does it.
pub fn purge_in_background() {
    // Where the allocator was built without threads, commands go on doing it.
    let _ = tikv_jemalloc_ctl::background_thread::write(true);
}

/// Gives freed memory back to the system.
pub fn purge() {
    const ALL_ARENAS: &std::ffi::CStr = c"arena.4096.purge";
    let nothing = std::ptr::null_mut();
    // SAFETY: the name is a C string of an action that takes and gives no value.
    let code = unsafe {
        let none = std::ptr::null_mut();
        tikv_jemalloc_sys::mallctl(ALL_ARENAS.as_ptr(), nothing, none, std::ptr::null_mut(), 0)
    };
    debug_assert_eq!(code, 0, "jemalloc knows how to purge all arenas");
}
