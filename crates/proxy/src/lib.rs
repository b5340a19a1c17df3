//! The proxy program: routes, splits and merges requests over a pool of servers.
