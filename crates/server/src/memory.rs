//! What the allocator and the system say about the process's memory.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use engine::host::Memory;
use parking_lot::RwLock;
use tikv_jemalloc_ctl::{epoch, raw, stats};

/// Remembers the most that was used, and how much before any data came.
///
/// The allocator's own sum of what is used takes long to gather, so it is gathered once. How it has
/// changed since is told by the two counters that the allocator keeps for every thread.
#[derive(Default)]
pub struct Gauge {
    peak: AtomicU64,
    startup: AtomicU64,
    /// The allocator's sum, less what the threads had taken when it was gathered.
    base: AtomicI64,
}

/// The threads that take memory and give it back.
static ACCOUNTS: RwLock<Vec<Account>> = RwLock::new(Vec::new());

/// What threads had taken that have ended.
static DEPARTED: AtomicI64 = AtomicI64::new(0);

/// Where the allocator counts the bytes that one thread has taken, and those it has given back.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Account {
    taken: *const AtomicU64,
    given_back: *const AtomicU64,
}

// SAFETY: the counters are only read, and their account is closed before their thread ends.
unsafe impl Send for Account {}
// SAFETY: as above.
unsafe impl Sync for Account {}

impl Account {
    /// This thread's.
    fn of_this_thread() -> Option<Account> {
        // SAFETY: these names stand for pointers to counters, which live as long as the thread, and
        // are words that a thread writes whole.
        unsafe {
            Some(Account {
                taken: raw::read(b"thread.allocatedp\0").ok()?,
                given_back: raw::read(b"thread.deallocatedp\0").ok()?,
            })
        }
    }

    fn balance(self) -> i64 {
        // SAFETY: the account is open, so its thread lives.
        let [taken, given_back] = [self.taken, self.given_back]
            .map(|counter| unsafe { &*counter }.load(Ordering::Relaxed));
        taken.wrapping_sub(given_back) as i64
    }
}

/// Keeps a thread's account open until the thread ends.
struct Open(Account);

impl Drop for Open {
    fn drop(&mut self) {
        let mut accounts = ACCOUNTS.write();
        accounts.retain(|account| *account != self.0);
        DEPARTED.fetch_add(self.0.balance(), Ordering::Relaxed);
    }
}

thread_local! {
    static OPEN: Option<Open> = Account::of_this_thread().map(|account| {
        ACCOUNTS.write().push(account);
        Open(account)
    });
}

/// Begins to count what this thread takes. Every thread says so when it starts.
pub fn count_this_thread() {
    OPEN.with(|_| ());
}

fn taken_by_threads() -> i64 {
    let accounts = ACCOUNTS.read();
    let open: i64 = accounts.iter().map(|account| account.balance()).sum();
    open + DEPARTED.load(Ordering::Relaxed)
}

impl Gauge {
    /// Says that what is used now is the program itself.
    pub fn mark_startup(&self) {
        let _ = epoch::advance();
        let used = stats::allocated::read().unwrap_or_default() as i64;
        self.base
            .store(used - taken_by_threads(), Ordering::Relaxed);
        self.startup.store(self.used(), Ordering::Relaxed);
    }

    /// Bytes that are used.
    pub fn used(&self) -> u64 {
        let used = self.base.load(Ordering::Relaxed) + taken_by_threads();
        used.max(0) as u64
    }

    pub fn read(&self) -> Memory {
        // The allocator gathers its figures when the epoch is advanced.
        let _ = epoch::advance();
        let used = self.used();
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
