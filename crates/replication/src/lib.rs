//! PSYNC as a machine: both ends, backlog, offsets.
