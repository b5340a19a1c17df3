//! The program from its arguments to its end.

use std::io::{Read, Write};
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::control::Control;
use crate::figures::Figures;
use crate::live::Live;
use crate::load::{self, Failure, Greeting, Job, Seen, Watch};
use crate::options::{Format, Mode, Options, UsageError};
use crate::report::{self, Circumstances};
use crate::site::Site;
use crate::suite::{self, Test};
use crate::{compare, idle, request, usage};

/// What `--version` prints, and what tools look for.
const VERSION_LINE: &str = "redis-benchmark 7.0.15";

/// Runs the benchmark. `args` are those behind the program's name.
pub fn main(args: &[Vec<u8>]) -> ExitCode {
    let mut options = match Options::parse(args) {
        Ok(options) => options,
        Err(error @ UsageError::Invalid(_)) => {
            emit(format!("{error}\n\n{}", usage::TEXT).as_bytes());
            return ExitCode::FAILURE;
        }
        Err(error) => return fail(&error.to_string()),
    };
    match options.mode {
        Mode::Help => emit(usage::TEXT.as_bytes()),
        Mode::Version => emit(format!("{VERSION_LINE}\n").as_bytes()),
        Mode::Measure => {
            options
                .warnings
                .iter()
                .for_each(|warning| eprintln!("{warning}"));
            let outcome = add_stdin(&mut options).and_then(|()| measure(&options));
            if let Err(message) = outcome {
                return fail(&message);
            }
        }
    }
    ExitCode::SUCCESS
}

fn fail(message: &str) -> ExitCode {
    eprintln!("{message}");
    ExitCode::FAILURE
}

/// Writes to the standard output at once. If nobody reads it any longer, the program ends.
pub fn emit(text: &[u8]) {
    let mut stdout = std::io::stdout().lock();
    let written = stdout.write_all(text).and_then(|()| stdout.flush());
    if written.is_err() {
        std::process::exit(1);
    }
}

/// With `-x` the last word of the command is the standard input.
fn add_stdin(options: &mut Options) -> Result<(), String> {
    if options.stdin && !options.command.is_empty() {
        let mut input = Vec::new();
        let read = std::io::stdin().read_to_end(&mut input);
        read.map_err(|error| format!("ochre: cannot read the standard input: {error}"))?;
        options.command.push(input);
    }
    Ok(())
}

fn measure(options: &Options) -> Result<(), String> {
    if options.idle {
        return idle::run(options);
    }
    let tests = suite::chosen(options);
    if let Some(addresses) = &options.compare {
        return compare::run(options, addresses, &tests);
    }
    let mut site = Site::find(options)?;
    if options.format == Format::Csv {
        emit(report::CSV_HEAD.as_bytes());
    }
    let bench = Bench::new(options);
    loop {
        for test in &tests {
            let figures = bench.run(test, &mut site);
            let figures = figures.map_err(|failure| failure.to_string())?;
            bench.print(test, &site, &figures);
        }
        let is_people_reading = matches!(options.format, Format::Report | Format::Quiet);
        if options.command.is_empty() && is_people_reading {
            emit(b"\n");
        }
        if !options.endless || tests.is_empty() {
            return Ok(());
        }
    }
}

/// What all tests have in common.
pub struct Bench<'a> {
    options: &'a Options,
    payload: Vec<u8>,
    greeting: Greeting,
    seed: u64,
}

impl<'a> Bench<'a> {
    pub fn new(options: &'a Options) -> Bench<'a> {
        Bench {
            options,
            payload: request::payload(options.data_bytes),
            greeting: greeting(options),
            seed: options.seed.unwrap_or_else(seed_of_clock),
        }
    }

    pub fn job<'b>(&'b self, test: &'b Test, site: &'b Site) -> Job<'b> {
        let options = self.options;
        let of_cluster = if options.cluster { site.nodes.len() } else { 1 };
        Job {
            nodes: &site.nodes,
            request: &test.request,
            clients: options.clients,
            threads: options.threads.unwrap_or(of_cluster),
            requests: options.requests,
            pipeline: options.pipeline,
            keyspace: options.keyspace,
            payload: &self.payload,
            keep_alive: options.keep_alive,
            warmup: options.warmup,
            rate: options.rate,
            greeting: &self.greeting,
            precision: options.precision,
            seed: self.seed,
            is_cluster: options.cluster,
            tls: options.tls.then_some(&options.tls_settings),
        }
    }

    /// Runs one test. If slots have moved in the one before, it begins with where they are.
    pub fn run(&self, test: &Test, site: &mut Site) -> Result<Figures, Failure> {
        if site.has_changed {
            site.look_again(self.options).map_err(Failure::Lookup)?;
        }
        let is_shown = matches!(self.options.format, Format::Report | Format::Quiet);
        let mut controls = std::mem::take(&mut site.controls);
        let mut observer = Observer {
            live: Live::new(&test.title, is_shown),
            before: None,
            controls: &mut controls,
        };
        let outcome = load::run(&self.job(test, site), &mut observer);
        observer.live.wipe();
        let after = observer.cpu();
        let server_cpu = observer
            .before
            .and_then(|before| Some(after?.saturating_sub(before)));
        site.controls = controls;
        let outcome = outcome?;
        site.has_changed = outcome.redirections > 0;
        Ok(Figures::new(outcome, server_cpu))
    }

    fn print(&self, test: &Test, site: &Site, figures: &Figures) {
        let options = self.options;
        let job = self.job(test, site);
        let about = Circumstances::of(&job, &test.title, &site.servers, options);
        let text = match options.format {
            Format::Report => report::full(&about, figures),
            Format::Quiet => report::quiet(&test.title, figures, options.cpu),
            Format::Csv => report::csv(&test.title, figures),
            Format::Json => report::json(&about, figures),
        };
        emit(text.as_bytes());
    }
}

/// Asks servers for their processor's time around a run, and shows the run to a person.
struct Observer<'a> {
    live: Live<'a>,
    controls: &'a mut [Control],
    before: Option<Duration>,
}

impl Observer<'_> {
    /// Of all servers together, if each of them tells.
    fn cpu(&mut self) -> Option<Duration> {
        let times: Option<Vec<_>> = self.controls.iter_mut().map(Control::cpu).collect();
        times
            .filter(|times| !times.is_empty())
            .map(|times| times.iter().sum())
    }
}

impl Watch for Observer<'_> {
    fn connected(&mut self) {
        self.before = self.cpu();
    }

    fn progress(&mut self, seen: Seen) {
        self.live.show(seen);
    }
}

/// What a connection has to say before it may be used as asked.
fn greeting(options: &Options) -> Greeting {
    let db = options.db.to_string();
    let mut requests = Vec::new();
    requests.extend(options.credentials());
    if options.tracking {
        requests.push(vec![b"CLIENT", b"TRACKING", b"on"]);
    }
    if options.db > 0 {
        requests.push(vec![b"SELECT", db.as_bytes()]);
    }
    if options.resp3 {
        requests.push(vec![b"HELLO", b"3"]);
    }
    let mut greeting = Greeting::default();
    for words in &requests {
        resp::reply::write_request(&mut greeting.bytes, words);
        greeting.replies += 1;
    }
    greeting
}

fn seed_of_clock() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_nanos() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_says_what_it_needs_in_this_order() {
        let words = "-a pw --user u --dbnum 3 -3 --enable-tracking".split(' ');
        let words: Vec<_> = words.map(|word| word.as_bytes().to_vec()).collect();
        let greeting = greeting(&Options::parse(&words).unwrap());
        let text = String::from_utf8(greeting.bytes).unwrap();
        let plain: Vec<_> = text
            .lines()
            .filter(|line| !line.starts_with(['*', '$']))
            .collect();
        assert_eq!(
            plain.join(" "),
            "AUTH u pw CLIENT TRACKING on SELECT 3 HELLO 3"
        );
        assert_eq!(greeting.replies, 4);
    }
}
