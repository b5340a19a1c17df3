//! For people: types are told apart, strings are quoted, nesting is indented.

use resp::value::Value;
use stdx::text::quote;

/// Writes a reply and the line's end.
pub fn write(value: &Value, colours: bool, out: &mut Vec<u8>) {
    Writer { colours, out }.value(value, 0);
}

struct Writer<'a> {
    colours: bool,
    out: &'a mut Vec<u8>,
}

/// How a kind of value is coloured.
const ERROR: &str = "31";
const FAINT: &str = "90";
const NUMBER: &str = "33";
const STATUS: &str = "36";
const STRING: &str = "32";

impl Writer<'_> {
    fn value(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Array(values) => self.elements(values, b") ", "(empty array)", indent),
            Value::Set(values) => self.elements(values, b"~ ", "(empty set)", indent),
            Value::Push(values) => self.elements(values, b") ", "(empty push)", indent),
            Value::Map(pairs) => self.pairs(pairs, b"# ", indent),
            Value::Attribute(pairs) => self.pairs(pairs, b"| ", indent),
            scalar => {
                self.scalar(scalar);
                self.out.push(b'\n');
            }
        }
    }

    fn scalar(&mut self, value: &Value) {
        match value {
            Value::Error(text) => self.painted(ERROR, &[b"(error) ", text]),
            Value::Simple(text) => self.painted(STATUS, &[text]),
            Value::Integer(number) => {
                self.painted(NUMBER, &[b"(integer) ", number.to_string().as_bytes()]);
            }
            Value::Double(text) => self.painted(NUMBER, &[b"(double) ", text]),
            Value::BigNumber(text) => self.painted(NUMBER, &[b"(big number) ", text]),
            Value::Boolean(value) => {
                let text: &[u8] = if *value { b"(true)" } else { b"(false)" };
                self.painted(NUMBER, &[text]);
            }
            Value::Bulk(text) => {
                let mut quoted = Vec::with_capacity(text.len() + 2);
                quote(text, &mut quoted);
                self.painted(STRING, &[&quoted]);
            }
            Value::Verbatim(_, text) => self.out.extend_from_slice(text),
            _ => self.painted(FAINT, &[b"(nil)"]),
        }
    }

    fn elements(&mut self, values: &[Value], mark: &[u8], empty: &str, indent: usize) {
        if values.is_empty() {
            return self.empty(empty);
        }
        let width = digits(values.len());
        for (index, value) in values.iter().enumerate() {
            self.index(index, width, mark, indent);
            self.value(value, indent + width + 2);
        }
    }

    fn pairs(&mut self, pairs: &[(Value, Value)], mark: &[u8], indent: usize) {
        if pairs.is_empty() {
            return self.empty("(empty hash)");
        }
        let width = digits(pairs.len());
        let inner = indent + width + 2;
        for (index, (key, value)) in pairs.iter().enumerate() {
            self.index(index, width, mark, indent);
            self.value(key, inner);
            self.out.pop();
            self.out.extend_from_slice(b" => ");
            if takes_lines(value) {
                self.out.push(b'\n');
                self.blanks(inner);
            }
            self.value(value, inner);
        }
    }

    /// The first element stands where the aggregate began, the others on lines of their own.
    fn index(&mut self, index: usize, width: usize, mark: &[u8], indent: usize) {
        if index > 0 {
            self.blanks(indent);
        }
        let number = format!("{:>width$}", index + 1);
        self.painted(FAINT, &[number.as_bytes(), &mark[..1]]);
        self.out.extend_from_slice(&mark[1..]);
    }

    fn empty(&mut self, text: &str) {
        self.painted(FAINT, &[text.as_bytes()]);
        self.out.push(b'\n');
    }

    fn blanks(&mut self, count: usize) {
        self.out.resize(self.out.len() + count, b' ');
    }

    fn painted(&mut self, colour: &str, parts: &[&[u8]]) {
        if self.colours {
            self.out.extend_from_slice(b"\x1b[");
            self.out.extend_from_slice(colour.as_bytes());
            self.out.push(b'm');
        }
        for part in parts {
            self.out.extend_from_slice(part);
        }
        if self.colours {
            self.out.extend_from_slice(b"\x1b[0m");
        }
    }
}

/// Whether a member's value is written below its name: it is more than one line.
fn takes_lines(value: &Value) -> bool {
    match value {
        Value::Array(values) | Value::Set(values) | Value::Push(values) => match &values[..] {
            [] => false,
            [only] => takes_lines(only),
            _ => true,
        },
        Value::Map(pairs) | Value::Attribute(pairs) => match &pairs[..] {
            [] => false,
            [(_, only)] => takes_lines(only),
            _ => true,
        },
        _ => false,
    }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}
