//! The payload of `DUMP`: one value on its own.
//!
//! ```text
//!  │ type │ value │ version, 2 bytes │ checksum, 8 bytes │      both little endian
//! ```

use stdx::crc64;

use crate::{Limits, Value, ValueRef};

use super::error::{Error, Reason};
use super::{VERSION, VERSION_READ_MAX, decoder, writer};

const VERSION_BYTES: usize = 2;
const SUM_BYTES: usize = 8;

/// Why a payload gives no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RestoreError {
    /// It is from a version that nobody here knows, or was damaged on its way.
    VersionOrSum,
    /// It was written so.
    Format(Error),
}

/// What `DUMP` answers.
pub fn dump(value: ValueRef<'_>, compress: bool) -> Vec<u8> {
    let mut payload = Vec::new();
    payload.push(writer::kind_of(value));
    writer::push_value(value, compress, &mut payload);
    payload.extend_from_slice(&(VERSION as u16).to_le_bytes());
    let sum = crc64::update(0, &payload);
    payload.extend_from_slice(&sum.to_le_bytes());
    payload
}

/// The value that `RESTORE` is given.
pub fn restore(payload: &[u8], limits: &Limits) -> Result<Value, RestoreError> {
    let (rest, sum) = payload
        .split_last_chunk::<SUM_BYTES>()
        .ok_or(RestoreError::VersionOrSum)?;
    let (body, version) = rest
        .split_last_chunk::<VERSION_BYTES>()
        .ok_or(RestoreError::VersionOrSum)?;
    let is_right = u32::from(u16::from_le_bytes(*version)) <= VERSION_READ_MAX
        && u64::from_le_bytes(*sum) == crc64::update(0, rest);
    if !is_right {
        return Err(RestoreError::VersionOrSum);
    }
    let value = match body {
        [kind, value @ ..] => decoder::decode(*kind, value, limits).map_err(|e| e.moved(1)),
        [] => Err(Error::truncated_payload()),
    };
    value.map_err(RestoreError::Format)
}

impl Error {
    fn truncated_payload() -> Error {
        Error {
            offset: 0,
            reason: Reason::Truncated,
            phase: super::Phase::Type,
        }
    }
}

#[cfg(test)]
mod tests;
