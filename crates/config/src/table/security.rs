//! Who may do what: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static SECURITY: &[Directive] = &[
    Directive {
        name: "requirepass",
        doc: "Password of the default user.",
        field: &field!(security.password),
        effect: Effect::Password,
        sensitive: true,
        ..Directive::LIVE
    },
    Directive {
        name: "aclfile",
        doc: "File that holds the users.",
        field: &field!(security.acl_file),
        ..Directive::STARTUP
    },
    Directive {
        name: "acl-pubsub-default",
        doc: "Channels a user created without channel rules may use.",
        field: &field!(security.acl_pubsub),
        ..Directive::LIVE
    },
    Directive {
        name: "acllog-max-len",
        doc: "Entries the log of refused commands keeps.",
        field: &field!(security.acl_log_len_max),
        limits: Limits::LONG,
        ..Directive::LIVE
    },
    Directive {
        name: "enable-protected-configs",
        doc: "Who may change directives that reach outside the data set.",
        field: &field!(security.protected_configs),
        ..Directive::STARTUP
    },
    Directive {
        name: "enable-debug-command",
        doc: "Who may use DEBUG.",
        field: &field!(security.debug_command),
        ..Directive::STARTUP
    },
    Directive {
        name: "enable-module-command",
        doc: "Who may use MODULE.",
        field: &field!(security.module_command),
        ..Directive::STARTUP
    },
    Directive {
        name: "user",
        doc: "A user, with the rules ACL SETUSER takes.",
        field: &field!(security.users),
        sensitive: true,
        ..Directive::FILE_ONLY
    },
    Directive {
        name: "rename-command",
        doc: "Another name for a command. An empty one removes it.",
        field: &field!(security.renamed_commands),
        ..Directive::FILE_ONLY
    },
];
