//! Whether a password is right.

use std::hint::black_box;
use std::sync::atomic::Ordering;

use engine::{Context, Error};
use sha2::{Digest, Sha256};

/// The only user there is.
pub(crate) const DEFAULT_USER: &str = "default";

/// The user whose name and password these are. Without a password set, any will do.
pub(crate) fn check(
    cx: &mut Context<'_>,
    user: &[u8],
    password: &[u8],
) -> Result<&'static str, Error> {
    let config = cx.engine.config.load();
    let wanted = config.security.password.as_bytes();
    let matches = wanted.is_empty() || is_same(wanted, password);
    if matches && user == DEFAULT_USER.as_bytes() {
        return Ok(DEFAULT_USER);
    }
    cx.engine
        .stats
        .auth_failures
        .fetch_add(1, Ordering::Relaxed);
    Err(Error::BadAuth)
}

/// Compares digests, all bytes of them: neither the time this takes nor what a guess shares with
/// the password tells anything about it.
fn is_same(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (Sha256::digest(a), Sha256::digest(b));
    let difference = a
        .iter()
        .zip(b)
        .fold(0, |sum, (a, b)| black_box(sum | a ^ b));
    difference == 0
}
