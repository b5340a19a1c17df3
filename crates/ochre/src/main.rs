//! The binary: one program for server, sentinel, cli, cluster, benchmark and proxy.
//!
//! Which program runs is said by the first argument (`ochre server`), or by the name this one was
//! started under (`redis-server`, usually a link).

mod allocator;

mod check_aof;
mod check_rdb;

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;
use std::process::ExitCode;

/// Redis's own allocator: size classes in small steps, and figures about itself.
#[global_allocator]
static ALLOCATOR: allocator::Allocator = allocator::Allocator;

/// Runs a program with the arguments behind its name.
type Main = fn(&[Vec<u8>]) -> ExitCode;

/// A program of this binary.
#[derive(Clone, Copy)]
struct Program {
    /// As the first argument.
    name: &'static str,
    /// As the name of a link.
    link: &'static str,
    summary: &'static str,
    main: Main,
}

const PROGRAMS: &[Program] = &[
    Program {
        name: "server",
        link: "redis-server",
        summary: "the data store",
        main: server::main,
    },
    Program {
        name: "sentinel",
        link: "redis-sentinel",
        summary: "watches servers and fails over",
        main: server::sentinel_main,
    },
    Program {
        name: "cli",
        link: "redis-cli",
        summary: "talks to a server",
        main: command_line,
    },
    Program {
        name: "cluster",
        link: "redis-trib",
        summary: "manages a cluster",
        main: cluster,
    },
    Program {
        name: "benchmark",
        link: "redis-benchmark",
        summary: "measures a server",
        main: benchmark::main,
    },
    Program {
        name: "proxy",
        link: "nutcracker",
        summary: "stands between clients and servers",
        main: proxy,
    },
    Program {
        name: "predixy",
        link: "predixy",
        summary: "the proxy, by another name",
        main: proxy,
    },
    Program {
        name: "doctor",
        link: "ochre-doctor",
        summary: "looks for what is wrong with a machine and a server",
        main: doctor,
    },
    Program {
        name: "install",
        link: "ochre-install",
        summary: "has a server, Sentinel or proxy run as a service",
        main: manager::install,
    },
    Program {
        name: "check-aof",
        link: "redis-check-aof",
        summary: "checks and mends an append-only file",
        main: check_aof::main,
    },
    Program {
        name: "check-rdb",
        link: "redis-check-rdb",
        summary: "checks a snapshot",
        main: check_rdb::main,
    },
];

/// The cluster manager under its older name, which has a command line of its own.
const TRIB: Program = Program {
    name: "redis-trib",
    link: "redis-trib",
    summary: "manages a cluster",
    main: manager::trib,
};

/// The script that starts a cluster on one machine, under its own name.
const CREATE_CLUSTER: Program = Program {
    name: "create-cluster",
    link: "create-cluster",
    summary: "a cluster on this machine",
    main: create_cluster,
};

fn main() -> ExitCode {
    let mut args = std::env::args_os();
    let called = args.next().unwrap_or_default();
    let args: Vec<OsString> = args.collect();
    if let Some(program) = by_link(&called) {
        return run(program, &args);
    }
    match args.first().map(|word| word.to_string_lossy()).as_deref() {
        None | Some("-h" | "--help" | "help") => {
            print!("{}", help());
            ExitCode::SUCCESS
        }
        Some("-v" | "-V" | "--version") => {
            println!(
                "ochre {} (compatible with Redis 7.0.15)",
                env!("CARGO_PKG_VERSION")
            );
            ExitCode::SUCCESS
        }
        Some(name) => match PROGRAMS.iter().find(|program| program.name == name) {
            Some(program) => run(program, &args[1..]),
            None => {
                eprintln!("ochre: there is no program '{name}'\n\n{}", help());
                ExitCode::from(2)
            }
        },
    }
}

/// A proxy holds nothing but what is on its way, so that what a rush has left is soon not needed.
const PROXY_GIVES_BACK_AFTER_MS: isize = 1000;

fn proxy(args: &[Vec<u8>]) -> ExitCode {
    allocator::give_back_after(PROXY_GIVES_BACK_AFTER_MS);
    proxy::main(args)
}

/// The command line, which leaves clusters to their manager.
fn command_line(args: &[Vec<u8>]) -> ExitCode {
    cli::main(args, |call| {
        let (words, settings) = (call.words.clone(), call.settings.clone());
        manager::cli(entry(call), &words, &settings)
    })
}

/// The cluster manager, whose options of connection are those of the command line.
fn cluster(args: &[Vec<u8>]) -> ExitCode {
    if let Some((b"local", args)) = args.split_first().map(|(word, rest)| (&word[..], rest)) {
        return manager::local(args, manager::Dialect::Ochre);
    }
    match cli::cluster_call(args) {
        Ok(call) => {
            let words = call.words.clone();
            manager::ochre(entry(call), &words)
        }
        Err(message) => {
            eprintln!("ochre: {message}");
            ExitCode::FAILURE
        }
    }
}

/// The doctor, whose options of connection are those of the command line.
fn doctor(args: &[Vec<u8>]) -> ExitCode {
    match cli::cluster_call(args) {
        Ok(call) => {
            let words = call.words.clone();
            manager::doctor(entry(call), &words)
        }
        Err(message) => {
            eprintln!("ochre: {message}");
            ExitCode::FAILURE
        }
    }
}

fn create_cluster(args: &[Vec<u8>]) -> ExitCode {
    manager::local(args, manager::Dialect::Cli)
}

fn entry(call: cli::ClusterCall) -> manager::Entry {
    manager::Entry {
        connection: call.connection,
        user: call.user,
        password: call.password,
        verbose: call.verbose,
    }
}

/// The program that the name of a link stands for. What the link leads to does not matter.
fn by_link(called: &OsString) -> Option<&'static Program> {
    let name = Path::new(called).file_name()?;
    match name.as_bytes() {
        b"redis-trib" | b"redis-trib.rb" => return Some(&TRIB),
        b"create-cluster" => return Some(&CREATE_CLUSTER),
        _ => {}
    }
    PROGRAMS
        .iter()
        .find(|program| name.as_bytes() == program.link.as_bytes())
}

fn run(program: &Program, args: &[OsString]) -> ExitCode {
    let args: Vec<Vec<u8>> = args.iter().map(|arg| arg.clone().into_vec()).collect();
    (program.main)(&args)
}

fn help() -> String {
    let mut text = "Usage: ochre PROGRAM [ARGUMENTS ...]\n\nPrograms:\n".to_owned();
    for program in PROGRAMS {
        text += &format!("  {:<10} {}\n", program.name, program.summary);
    }
    text += "\nA link to this binary behaves as the program it is named after:\n ";
    PROGRAMS
        .iter()
        .for_each(|program| text += &format!(" {}", program.link));
    text += &format!(" {}", CREATE_CLUSTER.link);
    text += "\n\n'ochre PROGRAM --help' tells more.\n";
    text
}
