//! A conversation with a server: what it remembers between commands, and one command's course.
//!
//! The conversation outlives its connection. A connection that was lost is made again with the next
//! command, to the node that was talked to last, with the same user, protocol and db.

mod state;
mod stream;
mod words;

use std::io::Write;
use std::time::{Duration, Instant};

use client::docs::Docs;
use client::{Address, Connection, Error, Redirection};
use resp::Protocol;
use resp::value::Value;

pub use state::State;
pub use words::{Kind, kind, shown_as_it_is};

use crate::options::Options;
use crate::output::{Format, Style};
use crate::preferences::Preferences;

/// How often one command may be sent elsewhere: nodes that disagree could go on forever.
const REDIRECTIONS_MAX: usize = 16;

/// From this time on a person is told how long a command took.
const SLOW: Duration = Duration::from_millis(500);

/// What becomes of a script that was debugged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Debugging {
    Over,
    Again,
}

/// A conversation with a server.
pub struct Session {
    pub options: Options,
    pub style: Style,
    pub address: Address,
    pub state: State,
    /// Lines are typed or piped in, rather than one command given.
    pub interactive: bool,
    /// Of a script that has ended, and may be run again.
    pub debugging: Option<Debugging>,
    /// A person watches, at the standard output.
    pub terminal: bool,
    /// Lines come from a keyboard, one key at a time.
    pub keyboard: bool,
    pub preferences: Preferences,
    /// What commands take and do.
    pub docs: Docs,
    connection: Option<Connection>,
}

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// The server answered with an error.
    Refused,
    /// There is no connection. The reason has been said.
    Lost,
}

impl Session {
    pub fn new(options: Options, terminal: bool) -> Session {
        let default = match terminal {
            true => Format::Standard,
            false => Format::Raw,
        };
        let style = Style {
            format: options.format.unwrap_or(default),
            element_delimiter: options.element_delimiter.clone(),
            reply_delimiter: options.reply_delimiter.clone(),
            colours: crate::terminal::has_colours(),
        };
        Session {
            address: options.address(),
            state: State::new(options.db),
            interactive: false,
            debugging: None,
            keyboard: false,
            preferences: Preferences::default(),
            docs: Docs::builtin(),
            connection: None,
            options,
            style,
            terminal,
        }
    }

    /// Whether anything is known to be connected.
    pub fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Forgets the connection and what the server knew of it.
    pub fn disconnect(&mut self) {
        self.connection = None;
        self.state.connection_lost();
    }

    /// Connects, and says hello. What the server refuses of that is told, and no obstacle.
    pub async fn connect(&mut self) -> Result<(), Error> {
        self.disconnect();
        let options = self.options.connection();
        let mut connection = Connection::open(&self.address, &options).await?;
        let greeting = self.greet(&mut connection).await;
        self.connection = Some(connection);
        if let Err(refusal) = greeting {
            eprintln!("{refusal}");
        }
        Ok(())
    }

    /// Connects, and says why not.
    pub async fn connect_or_say(&mut self) -> bool {
        match self.connect().await {
            Ok(()) => true,
            Err(error) => {
                eprintln!("{error}");
                false
            }
        }
    }

    /// Authenticates, then agrees on a protocol, then selects the db: up to the first refusal.
    async fn greet(&mut self, connection: &mut Connection) -> Result<(), String> {
        if let Some(password) = &self.options.password {
            let mut words: Vec<&[u8]> = vec![b"AUTH"];
            words.extend(self.options.user.as_deref());
            words.push(password);
            accepted(connection, &words, "AUTH").await?;
        }
        let resp3 = match self.state.protocol {
            Some(protocol) => protocol == Protocol::Resp3,
            None => self.options.wants_resp3(),
        };
        if resp3 {
            accepted(connection, &[b"HELLO", b"3"], "HELLO 3").await?;
        }
        if self.state.db != 0 {
            let db = self.state.db.to_string();
            let name = format!("SELECT {db}");
            if let Err(refusal) = accepted(connection, &[b"SELECT", db.as_bytes()], &name).await {
                self.state.db = 0;
                return Err(refusal);
            }
        }
        Ok(())
    }

    /// The connection, made if there is none.
    pub async fn connection(&mut self) -> Result<&mut Connection, Error> {
        if self.connection.is_none() {
            self.connect().await?;
        }
        Ok(self.connection.as_mut().expect("it has just been made"))
    }

    /// Sends a command for the program's own use.
    pub async fn ask<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<Value, Error> {
        let asked = self.connection().await?.ask(words, |_| {}).await;
        if asked.is_err() {
            self.disconnect();
        }
        asked
    }

    /// Runs a command as often as `repeat` says, shows the replies, and tells how it ended.
    pub async fn run(&mut self, words: &[Vec<u8>], repeat: Option<u64>) -> Outcome {
        let mut outcome = Outcome::Done;
        let mut run = 0;
        while repeat.is_none_or(|times| run < times) {
            outcome = self.run_once(words).await;
            run += 1;
            if outcome == Outcome::Lost {
                break;
            }
            if let Some(interval) = self.options.interval {
                tokio::time::sleep(interval).await;
            }
        }
        outcome
    }

    async fn run_once(&mut self, words: &[Vec<u8>]) -> Outcome {
        let started = Instant::now();
        if self.connection.is_none() && !self.connect_or_say().await {
            return Outcome::Lost;
        }
        let kind = kind(words);
        let outcome = match self.course(words, kind).await {
            Ok(outcome) => outcome,
            Err(Error::Closed | Error::Io(_)) if kind == Kind::Shutdown => {
                self.disconnect();
                return Outcome::Done;
            }
            Err(error) => {
                eprintln!("Error: {error}");
                self.disconnect();
                return Outcome::Lost;
            }
        };
        let took = started.elapsed();
        if self.interactive && took >= SLOW && self.style.format == Format::Standard {
            self.emit(format!("({:.2}s)\n", took.as_secs_f64()).as_bytes());
        }
        outcome
    }

    async fn course(&mut self, words: &[Vec<u8>], kind: Kind) -> Result<Outcome, Error> {
        match kind {
            Kind::Monitor => self.monitor(words).await,
            Kind::Subscribe => self.subscribe(words).await,
            Kind::Sync => crate::replica::typed(self, words).await,
            _ => {
                let reply = self.converse(words).await?;
                self.state.learn(words, kind, &reply);
                Ok(self.show(words, &reply))
            }
        }
    }

    /// Sends a command, where the cluster says it belongs, and waits for its reply.
    async fn converse(&mut self, words: &[Vec<u8>]) -> Result<Value, Error> {
        let mut asking = false;
        for _ in 0..=REDIRECTIONS_MAX {
            let connection = self.connection().await?;
            if asking {
                connection.ask(&["ASKING"], |_| {}).await?;
            }
            connection.queue(words);
            connection.flush().await?;
            let reply = self.reply().await?;
            let Value::Error(text) = &reply else {
                return Ok(reply);
            };
            let redirection = Redirection::parse(text);
            let Some(redirection) = redirection.filter(|_| self.options.cluster) else {
                return Ok(reply);
            };
            self.follow(&redirection);
            asking = redirection.ask;
        }
        let text = format!("ERR sent from node to node {REDIRECTIONS_MAX} times: they disagree");
        Ok(Value::Error(text.into_bytes()))
    }

    /// The next reply. Pushes that come before it are shown, if they are wanted.
    async fn reply(&mut self) -> Result<Value, Error> {
        loop {
            let connection = self.connection.as_mut().ok_or(Error::Closed)?;
            match connection.receive().await? {
                Value::Push(values) => self.show_push(&values),
                reply => return Ok(reply),
            }
        }
    }

    fn follow(&mut self, redirection: &Redirection) {
        if let Address::Tcp { host, port } = &mut self.address {
            if !redirection.host.is_empty() {
                host.clone_from(&redirection.host);
            }
            *port = redirection.port;
        }
        if self.interactive {
            let (slot, address) = (redirection.slot, &self.address);
            let text = format!("-> Redirected to slot [{slot}] located at {address}\n");
            self.emit(text.as_bytes());
        }
        self.disconnect();
    }

    /// Shows the reply to a command.
    pub fn show(&mut self, words: &[Vec<u8>], reply: &Value) -> Outcome {
        let refused = matches!(reply, Value::Error(_));
        if let (Value::Error(text), true, false) =
            (reply, self.options.error_code, self.interactive)
        {
            let mut stderr = std::io::stderr().lock();
            // Nobody is left to be told that it cannot be told.
            drop(stderr.write_all(&[text.as_slice(), b"\n"].concat()));
        } else if shown_as_it_is(words) {
            let text = self.style.plain(reply);
            self.emit_paged(&text);
        } else {
            let text = self.style.reply(reply);
            self.emit_paged(&text);
        }
        match refused {
            true => Outcome::Refused,
            false => Outcome::Done,
        }
    }

    fn show_push(&mut self, values: &[Value]) {
        if !self.options.show_pushes.unwrap_or(self.terminal) {
            return;
        }
        let text = match (values, self.style.format) {
            ([Value::Bulk(name), Value::Array(keys)], Format::Standard)
                if name == b"invalidate" =>
            {
                invalidation(keys)
            }
            _ => self.style.reply(&Value::Push(values.to_vec())),
        };
        self.emit(&text);
    }

    /// Writes to the standard output at once.
    pub fn emit(&self, text: &[u8]) {
        crate::terminal::emit(text);
    }

    fn emit_paged(&self, text: &[u8]) {
        match self.keyboard && self.preferences.pager {
            true => crate::terminal::emit_paged(text),
            false => crate::terminal::emit(text),
        }
    }
}

/// `-> invalidate: 'key1', 'key2'`.
fn invalidation(keys: &[Value]) -> Vec<u8> {
    let mut text = b"-> invalidate: ".to_vec();
    for (index, key) in keys.iter().enumerate() {
        if index > 0 {
            text.extend_from_slice(b", ");
        }
        let mut quoted = Vec::new();
        if let Value::Bulk(key) = key {
            stdx::text::quote(key, &mut quoted);
        }
        text.push(b'\'');
        text.extend_from_slice(quoted.get(1..quoted.len().max(1) - 1).unwrap_or_default());
        text.push(b'\'');
    }
    text.push(b'\n');
    text
}

async fn accepted(connection: &mut Connection, words: &[&[u8]], name: &str) -> Result<(), String> {
    match connection.ask(words, |_| {}).await {
        Ok(Value::Error(text)) => Err(format!("{name} failed: {}", String::from_utf8_lossy(&text))),
        Ok(_) => Ok(()),
        Err(error) => Err(format!("Error: {error}")),
    }
}
