//! What the server writes down for its operator: the directives, one row each.

use crate::directive::{Directive, field};

pub(crate) static LOGGING: &[Directive] = &[
    Directive {
        name: "loglevel",
        doc: "The least important message that is logged.",
        field: &field!(logging.level),
        ..Directive::LIVE
    },
    Directive {
        name: "logfile",
        doc: "File to log to. Empty means the standard output.",
        field: &field!(logging.file),
        ..Directive::STARTUP
    },
    Directive {
        name: "syslog-enabled",
        doc: "Log to syslog as well.",
        field: &field!(logging.syslog),
        ..Directive::STARTUP
    },
    Directive {
        name: "syslog-ident",
        doc: "Name under which syslog files messages.",
        field: &field!(logging.syslog_ident),
        ..Directive::STARTUP
    },
    Directive {
        name: "syslog-facility",
        doc: "Facility under which syslog files messages.",
        field: &field!(logging.syslog_facility),
        ..Directive::STARTUP
    },
    Directive {
        name: "crash-log-enabled",
        doc: "Log the state of the server when it crashes.",
        field: &field!(logging.crash_log),
        ..Directive::LIVE
    },
    Directive {
        name: "crash-memcheck-enabled",
        doc: "Test the memory when the server crashes.",
        field: &field!(logging.crash_memory_check),
        ..Directive::LIVE
    },
];
