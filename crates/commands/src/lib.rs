//! The commands: one file per family, each with its specification, handler and transcript tests.
