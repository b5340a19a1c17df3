//! The server program: listeners, connections, files, signals.
