//! RDB: a snapshot as a file, and the payload of `DUMP`.
