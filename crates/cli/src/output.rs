//! Replies as text, in every format that may be asked for.
//!
//! What a program reads (raw, CSV, JSON) and what a person reads (standard) are different texts of
//! the same values. The bytes are those that scripts have been reading from `redis-cli` for years,
//! trailing blanks included.

mod csv;
mod json;
mod raw;
mod standard;
#[cfg(test)]
mod tests;

use resp::value::Value;

/// How replies are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
    /// JSON in ASCII: strings are written with escapes, as the standard format writes them.
    QuotedJson,
    Raw,
    Standard,
}

/// How replies are written, in every detail.
#[derive(Clone, Debug)]
pub struct Style {
    pub format: Format,
    /// Between the elements of an aggregate, in raw format.
    pub element_delimiter: Vec<u8>,
    /// Behind a reply, in raw format.
    pub reply_delimiter: Vec<u8>,
    /// Whether types are told apart by colours, in standard format.
    pub colours: bool,
}

impl Style {
    /// The text of a reply, with everything that stands behind it.
    pub fn reply(&self, value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        match self.format {
            Format::Standard => standard::write(value, self.colours, &mut out),
            Format::Raw => {
                raw::write(value, &self.element_delimiter, &mut out);
                out.extend_from_slice(&self.reply_delimiter);
            }
            Format::Csv => {
                csv::write(value, &mut out);
                out.push(b'\n');
            }
            Format::Json | Format::QuotedJson => {
                json::write(value, self.format == Format::QuotedJson, &mut out);
                out.push(b'\n');
            }
        }
        out
    }

    /// The text of a reply that is shown as it is in every format, as tables for people are.
    pub fn plain(&self, value: &Value) -> Vec<u8> {
        let mut out = Vec::new();
        raw::write(value, &self.element_delimiter, &mut out);
        out
    }
}
