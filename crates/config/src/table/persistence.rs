//! Snapshots and the append-only file: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};
use crate::table::check::{append_directory, append_name, dump_name};

pub(crate) static PERSISTENCE: &[Directive] = &[
    Directive {
        name: "save",
        doc: "Save after so many seconds with so many changes. Empty means never.",
        field: &field!(persistence.save),
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "dir",
        doc: "Directory of every file the server writes.",
        field: &field!(persistence.dir),
        effect: Effect::ChangeDirectory,
        settled_data_only: true,
        ..Directive::PROTECTED
    },
    Directive {
        name: "dbfilename",
        doc: "Name of the snapshot file inside `dir`.",
        field: &field!(persistence.dbfilename),
        check: Some(dump_name),
        ..Directive::PROTECTED
    },
    Directive {
        name: "stop-writes-on-bgsave-error",
        doc: "Refuse writes while the last background save failed.",
        field: &field!(persistence.stop_writes_on_error),
        ..Directive::LIVE
    },
    Directive {
        name: "rdbcompression",
        doc: "Compress strings in snapshots.",
        field: &field!(persistence.rdb_compression),
        ..Directive::LIVE
    },
    Directive {
        name: "rdbchecksum",
        doc: "End snapshots with a checksum and verify it on load.",
        field: &field!(persistence.rdb_checksum),
        ..Directive::STARTUP
    },
    Directive {
        name: "rdb-del-sync-files",
        doc: "Remove snapshots made only for replication once they are used.",
        field: &field!(persistence.delete_sync_files),
        ..Directive::LIVE
    },
    Directive {
        name: "rdb-save-incremental-fsync",
        doc: "Force a snapshot to the disk piece by piece instead of at its end.",
        field: &field!(persistence.rdb_incremental_fsync),
        ..Directive::LIVE
    },
    Directive {
        name: "sanitize-dump-payload",
        doc: "Whose dumped values are verified in depth before they are used.",
        field: &field!(persistence.sanitize_dump),
        ..Directive::LIVE
    },
    Directive {
        name: "appendonly",
        doc: "Log every write to the append-only file.",
        field: &field!(persistence.append_only),
        effect: Effect::AppendOnly,
        settled_data_only: true,
        ..Directive::LIVE
    },
    Directive {
        name: "appendfilename",
        doc: "Base name of the append-only files.",
        field: &field!(persistence.append_filename),
        check: Some(append_name),
        ..Directive::STARTUP
    },
    Directive {
        name: "appenddirname",
        doc: "Directory of the append-only files inside `dir`.",
        field: &field!(persistence.append_dirname),
        check: Some(append_directory),
        ..Directive::STARTUP
    },
    Directive {
        name: "appendfsync",
        doc: "When appended writes are forced to the disk.",
        field: &field!(persistence.append_fsync),
        ..Directive::LIVE
    },
    Directive {
        name: "no-appendfsync-on-rewrite",
        doc: "Leave forcing to the kernel while a save or rewrite runs.",
        field: &field!(persistence.no_fsync_on_rewrite),
        ..Directive::LIVE
    },
    Directive {
        name: "auto-aof-rewrite-percentage",
        doc: "Growth of the append-only file that triggers a rewrite. 0 means never.",
        field: &field!(persistence.rewrite_percentage),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "auto-aof-rewrite-min-size",
        doc: "Size below which the append-only file is not rewritten by itself.",
        field: &field!(persistence.rewrite_size_min),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "aof-load-truncated",
        doc: "Start although the append-only file ends in the middle of a command.",
        field: &field!(persistence.load_truncated),
        ..Directive::LIVE
    },
    Directive {
        name: "aof-load-corrupt-tail-max-size",
        doc: "Size up to which a damaged tail of the append-only file is cut off and kept apart.",
        field: &field!(persistence.load_corrupt_tail_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "aof-use-rdb-preamble",
        doc: "Write the base of the append-only file as a snapshot.",
        field: &field!(persistence.rdb_preamble),
        ..Directive::LIVE
    },
    Directive {
        name: "aof-rewrite-incremental-fsync",
        doc: "Force a rewritten file to the disk piece by piece.",
        field: &field!(persistence.rewrite_incremental_fsync),
        ..Directive::LIVE
    },
    Directive {
        name: "aof-timestamp-enabled",
        doc: "Note the time in the append-only file, so that it can be cut at a moment.",
        field: &field!(persistence.append_timestamps),
        ..Directive::LIVE
    },
    Directive {
        name: "aof-checksum",
        doc: "Write a sum before everything that is written to the append-only file at once.",
        field: &field!(persistence.append_sums),
        ..Directive::LIVE
    },
    Directive {
        name: "aof-disable-auto-gc",
        doc: "Keep append-only files that a rewrite made obsolete.",
        field: &field!(persistence.keep_history),
        effect: Effect::AppendOnly,
        ..Directive::LIVE
    },
    Directive {
        name: "rdb-key-save-delay",
        doc: "Microseconds to wait per saved key, for tests.",
        field: &field!(persistence.key_save_delay),
        hidden: true,
        limits: Limits::INTEGER,
        ..Directive::LIVE
    },
    Directive {
        name: "key-load-delay",
        doc: "Microseconds to wait per loaded key, for tests.",
        field: &field!(persistence.key_load_delay),
        hidden: true,
        limits: Limits::INTEGER,
        ..Directive::LIVE
    },
    Directive {
        name: "loading-process-events-interval-bytes",
        doc: "Bytes loaded between two looks at the clients.",
        field: &field!(persistence.loading_events_interval),
        hidden: true,
        limits: Limits::between(1024, i32::MAX as i64),
        ..Directive::LIVE
    },
];
