//! What a Sentinel watches: the directives, one row each.

use crate::directive::{Directive, field};

pub(crate) static SENTINEL: &[Directive] = &[Directive {
    name: "sentinel",
    doc: "A statement of Sentinel, kept as its words.",
    field: &field!(sentinel.statements),
    ..Directive::FILE_ONLY
}];
