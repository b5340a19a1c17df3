//! Modules to load: the directives, one row each.

use crate::directive::{Directive, field};

pub(crate) static MODULES: &[Directive] = &[Directive {
    name: "loadmodule",
    doc: "A module to load at the start, with its arguments.",
    field: &field!(modules.load),
    ..Directive::FILE_ONLY
}];
