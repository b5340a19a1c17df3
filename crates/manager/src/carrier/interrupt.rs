//! Ctrl-C while slots move: the first lets what was begun come to a good end, the second leaves.

use std::sync::Once;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use tokio::signal::unix::{SignalKind, signal};

/// How many times somebody is moving slots.
static MOVING: AtomicUsize = AtomicUsize::new(0);

static PRESSED: AtomicBool = AtomicBool::new(false);

/// What a shell says of a program that Ctrl-C has ended.
const LEFT: i32 = 130;

/// As long as this lives, the first Ctrl-C is asked for rather than deadly.
pub struct Heed(());

impl Heed {
    pub fn new() -> Heed {
        static ONCE: Once = Once::new();
        MOVING.fetch_add(1, Ordering::Relaxed);
        // Where signals cannot be had, Ctrl-C ends the program as it always does.
        ONCE.call_once(|| {
            drop(signal(SignalKind::interrupt()).map(|mut signals| {
                tokio::spawn(async move {
                    while signals.recv().await.is_some() {
                        let moves = MOVING.load(Ordering::Relaxed) > 0;
                        if !moves || PRESSED.swap(true, Ordering::Relaxed) {
                            std::process::exit(LEFT);
                        }
                    }
                });
            }))
        });
        Heed(())
    }
}

impl Drop for Heed {
    fn drop(&mut self) {
        MOVING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether somebody has pressed Ctrl-C.
pub fn is_pressed() -> bool {
    PRESSED.load(Ordering::Relaxed)
}
