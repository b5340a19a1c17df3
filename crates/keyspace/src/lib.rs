//! Dbs, slots, shards and locks; expiry, eviction, watchers, waiters, snapshot marks.
