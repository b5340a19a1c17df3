//! The typed configuration and its directive rows, in the syntax of redis.conf.
