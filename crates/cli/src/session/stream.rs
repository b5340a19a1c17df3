//! Commands whose replies have no end: `MONITOR` and `SUBSCRIBE`.

use client::Error;
use resp::value::Value;

use super::{Outcome, Session};
use crate::output::Format;

impl Session {
    /// Shows everything the server does, until the connection ends.
    pub(super) async fn monitor(&mut self, words: &[Vec<u8>]) -> Result<Outcome, Error> {
        let reply = self.converse(words).await?;
        if self.show(words, &reply) == Outcome::Refused {
            return Ok(Outcome::Refused);
        }
        self.listen(words).await
    }

    /// Subscribes, and shows what is published.
    pub(super) async fn subscribe(&mut self, words: &[Vec<u8>]) -> Result<Outcome, Error> {
        let connection = self.connection().await?;
        connection.queue(words);
        connection.flush().await?;
        let first = connection.receive().await?;
        if matches!(first, Value::Error(_)) {
            return Ok(self.show(words, &first));
        }
        if self.keyboard {
            return self.confirmations(words, first).await;
        }
        if self.style.format != Format::Raw {
            self.emit(b"Reading messages... (press Ctrl-C to quit)\n");
        }
        self.show_message(words, first);
        self.listen(words).await
    }

    /// One confirmation for every channel; the messages come while the next line is awaited.
    async fn confirmations(&mut self, words: &[Vec<u8>], first: Value) -> Result<Outcome, Error> {
        self.show_message(words, first);
        for _ in 2..words.len() {
            let message = self.message().await?;
            self.show_message(words, message);
        }
        self.state.subscribed = true;
        Ok(Outcome::Done)
    }

    /// Shows whatever comes, until the connection ends.
    pub async fn listen(&mut self, words: &[Vec<u8>]) -> Result<Outcome, Error> {
        loop {
            let message = self.message().await?;
            self.show_message(words, message);
        }
    }

    /// The next message.
    pub async fn message(&mut self) -> Result<Value, Error> {
        self.connection().await?.receive().await
    }

    pub fn show_message(&mut self, words: &[Vec<u8>], message: Value) {
        // Here a push is no interruption but what was asked for.
        let message = match message {
            Value::Push(values) => Value::Array(values),
            other => other,
        };
        self.show(words, &message);
    }
}
