//! The lock and the counter of the log. With the feature `shuttle` they are those that the checker
//! of interleavings controls, as the keyspace's locks then are.

#[cfg(not(feature = "shuttle"))]
pub(crate) use parking_lot::Mutex;
#[cfg(not(feature = "shuttle"))]
pub(crate) use std::sync::atomic::AtomicUsize;

#[cfg(feature = "shuttle")]
pub(crate) use checked::Mutex;
#[cfg(feature = "shuttle")]
pub(crate) use shuttle::sync::atomic::AtomicUsize;

#[cfg(feature = "shuttle")]
mod checked {
    use shuttle::sync::MutexGuard;

    #[derive(Debug, Default)]
    pub struct Mutex<T>(shuttle::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no holder panics")
        }
    }
}
