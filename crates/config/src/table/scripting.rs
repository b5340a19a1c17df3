//! Scripts and functions: the directives, one row each.

use crate::directive::{Directive, Limits, field};

pub(crate) static SCRIPTING: &[Directive] = &[
    Directive {
        name: "busy-reply-threshold",
        alias: Some("lua-time-limit"),
        doc: "Milliseconds a script runs before other clients are told it is busy.",
        field: &field!(scripting.busy_reply_threshold),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "lua-enable-deprecated-api",
        doc: "Offer scripts the parts of the API that are no longer recommended.",
        field: &field!(scripting.deprecated_api),
        hidden: true,
        ..Directive::STARTUP
    },
];
