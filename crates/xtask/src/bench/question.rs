//! One command and its reply, for what is asked now and then.

use anyhow::{Context, Result, bail, ensure};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;

/// The reply to an inline command: what a bulk string holds, or the line of anything else.
pub fn ask(stream: &mut TcpStream, command: &str) -> Result<String> {
    stream.write_all(format!("{command}\r\n").as_bytes())?;
    // There is nothing behind the reply, since nothing else was asked.
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    ensure!(
        reader.read_line(&mut line)? > 0,
        "the server closed the connection of {command}"
    );
    let line = line.trim_end();
    let Some(len) = line.strip_prefix('$') else {
        return Ok(line.to_owned());
    };
    let len = len.parse().context("the length of a bulk string")?;
    let mut text = vec![0; len];
    reader.read_exact(&mut text)?;
    reader.read_exact(&mut [0; 2])?;
    match String::from_utf8(text) {
        Ok(text) => Ok(text),
        Err(_) => bail!("{command} answered no text"),
    }
}
