//! The append-only file: its manifest, its records, and values as commands.
