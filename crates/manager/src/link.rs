//! A connection to a node, made when it is needed.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use client::{Connection, Error};
use resp::value::Value;
use tokio::time::timeout;

use crate::place::Place;

/// How to enter: every node is told the same.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub connection: client::Options,
    pub user: Option<Vec<u8>>,
    pub password: Option<Vec<u8>>,
}

impl Access {
    /// What `MIGRATE` says to the node that it sends keys to.
    pub fn migrate_words(&self) -> Vec<Vec<u8>> {
        match (&self.user, &self.password) {
            (_, None) => Vec::new(),
            (None, Some(password)) => vec![b"AUTH".to_vec(), password.clone()],
            (Some(user), Some(password)) => {
                vec![b"AUTH2".to_vec(), user.clone(), password.clone()]
            }
        }
    }
}

/// Why a command brought nothing.
#[derive(Debug)]
pub enum Trouble {
    Lost(Error),
    /// No answer in time.
    Silent,
    /// The node's own words.
    Refused(String),
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Lost(error) => error.fmt(f),
            Trouble::Silent => f.write_str("No answer in time"),
            Trouble::Refused(text) => f.write_str(text),
        }
    }
}

impl Trouble {
    /// Whether the same may succeed a little later.
    pub fn passes(&self) -> bool {
        const PASSING: &[&str] = &["TRYAGAIN", "LOADING", "BUSY ", "CLUSTERDOWN", "IOERR"];
        match self {
            Trouble::Lost(Error::Malformed(..) | Error::Tls(_)) => false,
            Trouble::Lost(_) | Trouble::Silent => true,
            Trouble::Refused(text) => PASSING.iter().any(|word| text.contains(word)),
        }
    }
}

/// How long a node may take to answer.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a node, made when it is needed and again when it was lost.
pub struct Link {
    pub place: Place,
    access: Arc<Access>,
    connection: Option<Connection>,
    openings: u64,
    patience: Duration,
}

impl Link {
    pub fn new(place: Place, access: &Arc<Access>) -> Link {
        Link {
            place,
            access: Arc::clone(access),
            connection: None,
            openings: 0,
            patience: PATIENCE,
        }
    }

    /// One more to the same place.
    pub fn another(&self) -> Link {
        Link::new(self.place.clone(), &self.access)
    }

    /// Waits so much longer for every answer.
    pub fn allow(&mut self, longer: Duration) {
        self.patience = PATIENCE + longer;
    }

    /// Connects, unless it is connected.
    pub async fn open(&mut self) -> Result<(), Trouble> {
        if self.connection.is_some() {
            return Ok(());
        }
        let address = self.place.address();
        let opening = Connection::open(&address, &self.access.connection);
        let mut connection = opening.await.map_err(Trouble::Lost)?;
        if let Some(password) = &self.access.password {
            let mut words: Vec<&[u8]> = vec![b"AUTH"];
            words.extend(self.access.user.as_deref());
            words.push(password);
            let asked = timeout(self.patience, connection.ask(&words, |_| {})).await;
            match asked {
                Ok(Ok(Value::Error(text))) => {
                    let text = String::from_utf8_lossy(&text).into_owned();
                    return Err(Trouble::Refused(text));
                }
                Ok(Ok(_)) => {}
                Ok(Err(error)) => return Err(Trouble::Lost(error)),
                Err(_) => return Err(Trouble::Silent),
            }
        }
        self.connection = Some(connection);
        self.openings += 1;
        Ok(())
    }

    /// How often it has connected. What a server knows of a connection is gone with it.
    pub fn openings(&self) -> u64 {
        self.openings
    }

    /// The connection itself, for what is no question and answer. It is not kept.
    pub async fn take(&mut self) -> Result<Connection, Trouble> {
        self.open().await?;
        self.connection.take().ok_or(Trouble::Silent)
    }

    /// Sends a command. A refusal is an error.
    pub async fn ask<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<Value, Trouble> {
        let mut replies = self.ask_all(&[words]).await?;
        match replies.pop() {
            Some(Value::Error(text)) => Err(Trouble::Refused(
                String::from_utf8_lossy(&text).into_owned(),
            )),
            Some(value) => Ok(value),
            None => Err(Trouble::Silent),
        }
    }

    /// Sends commands at once, and returns all replies, refusals too.
    pub async fn ask_all<T: AsRef<[u8]>, W: AsRef<[T]>>(
        &mut self,
        commands: &[W],
    ) -> Result<Vec<Value>, Trouble> {
        self.open().await?;
        let connection = self.connection.as_mut().ok_or(Trouble::Silent)?;
        let asked = timeout(self.patience, converse(connection, commands)).await;
        let asked = asked.unwrap_or(Err(Error::Closed)).map_err(Trouble::Lost);
        if asked.is_err() {
            self.connection = None;
        }
        asked
    }

    /// Sends a command that answers with an integer.
    pub async fn number<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<i64, Trouble> {
        match self.ask(words).await? {
            Value::Integer(number) => Ok(number),
            other => Err(Trouble::Refused(format!("an unexpected reply: {other:?}"))),
        }
    }

    /// Sends a command that answers with text.
    pub async fn text<T: AsRef<[u8]>>(&mut self, words: &[T]) -> Result<String, Trouble> {
        match self.ask(words).await? {
            Value::Bulk(text) | Value::Simple(text) | Value::Verbatim(_, text) => {
                Ok(String::from_utf8_lossy(&text).into_owned())
            }
            other => Err(Trouble::Refused(format!("an unexpected reply: {other:?}"))),
        }
    }
}

async fn converse<T: AsRef<[u8]>, W: AsRef<[T]>>(
    connection: &mut Connection,
    commands: &[W],
) -> Result<Vec<Value>, Error> {
    for words in commands {
        connection.queue(words.as_ref());
    }
    connection.flush().await?;
    let mut replies = Vec::with_capacity(commands.len());
    while replies.len() < commands.len() {
        match connection.receive().await? {
            Value::Push(_) => {}
            reply => replies.push(reply),
        }
    }
    Ok(replies)
}

/// Words of a command that are made as text.
#[macro_export]
macro_rules! words {
    ($($word:expr),* $(,)?) => {
        Vec::from([$($word.to_string().into_bytes()),*])
    };
}

/// The value of a field in an `INFO`-like text.
pub fn field<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines().find_map(|line| {
        let (found, value) = line.trim_end().split_once(':')?;
        (found == name).then_some(value)
    })
}
