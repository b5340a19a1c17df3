//! Transcripts, the virtual world and checkers that tests are written with.
