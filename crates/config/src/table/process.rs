//! The server as a process of its machine: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};
use crate::table::check::title_template;

pub(crate) static PROCESS: &[Directive] = &[
    Directive {
        name: "daemonize",
        doc: "Run in the background.",
        field: &field!(process.daemonize),
        ..Directive::STARTUP
    },
    Directive {
        name: "supervised",
        doc: "Which service manager hears that the server is ready.",
        field: &field!(process.supervised),
        ..Directive::STARTUP
    },
    Directive {
        name: "pidfile",
        doc: "File that holds the process id while the server runs.",
        field: &field!(process.pid_file),
        ..Directive::STARTUP
    },
    Directive {
        name: "databases",
        doc: "Number of databases SELECT can choose from.",
        field: &field!(process.databases),
        limits: Limits::POSITIVE,
        ..Directive::STARTUP
    },
    Directive {
        name: "hz",
        doc: "How often per second background work looks around.",
        field: &field!(process.hz),
        effect: Effect::Timers,
        limits: Limits::COUNT.settling(1, 500),
        ..Directive::LIVE
    },
    Directive {
        name: "dynamic-hz",
        doc: "Look around more often while many clients are connected.",
        field: &field!(process.dynamic_hz),
        ..Directive::LIVE
    },
    Directive {
        name: "always-show-logo",
        doc: "Show the banner even when nobody watches the start.",
        field: &field!(process.show_logo),
        ..Directive::STARTUP
    },
    Directive {
        name: "set-proc-title",
        doc: "Show what the server does in the list of processes.",
        field: &field!(process.set_title),
        ..Directive::STARTUP
    },
    Directive {
        name: "proc-title-template",
        doc: "What the list of processes shows.",
        field: &field!(process.title_template),
        effect: Effect::ProcessTitle,
        check: Some(title_template),
        ..Directive::LIVE
    },
    Directive {
        name: "server_cpulist",
        doc: "Cores for the threads that serve commands.",
        field: &field!(process.server_cpus),
        ..Directive::STARTUP
    },
    Directive {
        name: "bio_cpulist",
        doc: "Cores for background threads.",
        field: &field!(process.background_cpus),
        ..Directive::STARTUP
    },
    Directive {
        name: "aof_rewrite_cpulist",
        doc: "Cores for rewriting the append-only file.",
        field: &field!(process.rewrite_cpus),
        ..Directive::STARTUP
    },
    Directive {
        name: "bgsave_cpulist",
        doc: "Cores for background saves.",
        field: &field!(process.save_cpus),
        ..Directive::STARTUP
    },
    Directive {
        name: "disable-thp",
        doc: "Keep the kernel from backing memory with huge pages.",
        field: &field!(process.disable_huge_pages),
        ..Directive::STARTUP
    },
    Directive {
        name: "oom-score-adj",
        doc: "Whether the kernel's out-of-memory score is steered, and from which base.",
        field: &field!(process.oom_mode),
        effect: Effect::OomScore,
        ..Directive::LIVE
    },
    Directive {
        name: "oom-score-adj-values",
        doc: "Scores of a primary, a replica and a background process.",
        field: &field!(process.oom_scores),
        effect: Effect::OomScore,
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "shutdown-timeout",
        doc: "Seconds a shutdown waits for replicas that lag.",
        field: &field!(process.shutdown_timeout),
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "shutdown-on-sigint",
        doc: "What SIGINT makes the server do, in SHUTDOWN's words.",
        field: &field!(process.on_sigint),
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "shutdown-on-sigterm",
        doc: "What SIGTERM makes the server do, in SHUTDOWN's words.",
        field: &field!(process.on_sigterm),
        multi: true,
        ..Directive::LIVE
    },
    Directive {
        name: "ignore-warnings",
        doc: "Names of warnings about the machine that do not stop the start.",
        field: &field!(process.ignored_warnings),
        ..Directive::LIVE
    },
    Directive {
        name: "watchdog-period",
        doc: "Milliseconds of delay after which the log shows what runs. 0 means never.",
        field: &field!(process.watchdog_period),
        effect: Effect::Watchdog,
        hidden: true,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "use-exit-on-panic",
        doc: "Exit instead of aborting on a broken invariant, for tests.",
        field: &field!(process.exit_on_panic),
        hidden: true,
        ..Directive::LIVE
    },
];
