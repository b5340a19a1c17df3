//! The command line: line editor, hints, rendering, special modes.
