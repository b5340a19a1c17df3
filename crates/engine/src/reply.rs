//! Replies, with a receipt.
//!
//! A handler returns [`Done`], and only a finished reply makes one: it cannot forget to reply, nor
//! reply twice without saying so by an array.

use resp::Protocol;
use resp::reply::Encoder;
use stdx::float;

/// The receipt of one finished reply.
#[must_use = "a reply's receipt is what a handler returns"]
#[derive(Debug)]
pub struct Done(());

/// Writes the reply of one command.
pub struct Reply<'a> {
    encoder: Encoder<'a>,
    /// The buffer's length from which on nobody will read it.
    full_at: usize,
}

impl<'a> Reply<'a> {
    pub fn new(out: &'a mut Vec<u8>, protocol: Protocol) -> Reply<'a> {
        Reply {
            encoder: Encoder { out, protocol },
            full_at: usize::MAX,
        }
    }

    /// As [`Reply::new`], for a client that is closed when the buffer grows beyond `full_at`.
    pub(crate) fn bounded(out: &'a mut Vec<u8>, protocol: Protocol, full_at: usize) -> Reply<'a> {
        Reply {
            full_at,
            ..Reply::new(out, protocol)
        }
    }

    pub(crate) fn full_at(&self) -> usize {
        self.full_at
    }

    /// Whether the client will be closed for so long a reply, so that nobody reads what follows.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.encoder.out.len() > self.full_at
    }

    pub fn protocol(&self) -> Protocol {
        self.encoder.protocol
    }

    /// Changes the version of what is written from here on.
    pub fn set_protocol(&mut self, protocol: Protocol) {
        self.encoder.protocol = protocol;
    }

    /// The buffer behind, for those who write whole replies of others.
    pub fn buffer(&mut self) -> &mut Vec<u8> {
        self.encoder.out
    }

    /// The same buffer, for a command run within this one.
    pub fn nested(&mut self) -> Reply<'_> {
        Reply::new(self.encoder.out, self.encoder.protocol)
    }

    /// No reply at all: what the client sees next is something else.
    pub fn nothing(&mut self) -> Done {
        Done(())
    }

    pub fn ok(&mut self) -> Done {
        self.simple("OK")
    }

    pub fn simple(&mut self, text: &str) -> Done {
        self.encoder.simple(text);
        Done(())
    }

    /// An error within a reply. A command that fails returns its error instead.
    pub fn error(&mut self, message: &[u8]) {
        self.encoder.error(message);
    }

    pub fn integer(&mut self, number: i64) -> Done {
        self.encoder.integer(number);
        Done(())
    }

    pub fn count(&mut self, number: usize) -> Done {
        self.integer(number as i64)
    }

    pub fn flag(&mut self, value: bool) -> Done {
        self.integer(i64::from(value))
    }

    #[inline]
    pub fn bulk(&mut self, bytes: &[u8]) -> Done {
        self.encoder.bulk(bytes);
        Done(())
    }

    pub fn null(&mut self) -> Done {
        self.encoder.null();
        Done(())
    }

    pub fn null_array(&mut self) -> Done {
        self.encoder.null_array();
        Done(())
    }

    pub fn double(&mut self, value: f64) -> Done {
        self.encoder.double(&float::text(value));
        Done(())
    }

    /// A number that is written with more digits than a double has.
    pub fn decimal(&mut self, text: &[u8]) -> Done {
        self.encoder.double(text);
        Done(())
    }

    pub fn boolean(&mut self, value: bool) -> Done {
        self.encoder.boolean(value);
        Done(())
    }

    pub fn big_number(&mut self, text: &[u8]) -> Done {
        self.encoder.big_number(text);
        Done(())
    }

    /// Plain text for people.
    pub fn verbatim(&mut self, text: &[u8]) -> Done {
        self.encoder.verbatim(b"txt", text);
        Done(())
    }

    /// Lines for people, as `HELP` subcommands answer.
    pub fn lines(&mut self, lines: &[&str]) -> Done {
        let mut array = self.array(lines.len());
        lines.iter().for_each(|line| array.simple(line));
        array.done()
    }

    /// Pairs about the next reply. Only where the protocol has them.
    pub fn attribute(&mut self, pairs: usize) -> Elements<'_, 'a> {
        self.encoder.attribute(pairs);
        self.elements(pairs * 2)
    }

    pub fn array(&mut self, len: usize) -> Elements<'_, 'a> {
        self.encoder.array(len);
        self.elements(len)
    }

    pub fn map(&mut self, pairs: usize) -> Elements<'_, 'a> {
        self.encoder.map(pairs);
        self.elements(pairs * 2)
    }

    pub fn set(&mut self, len: usize) -> Elements<'_, 'a> {
        self.encoder.set(len);
        self.elements(len)
    }

    pub fn push(&mut self, len: usize) -> Elements<'_, 'a> {
        self.encoder.push(len);
        self.elements(len)
    }

    /// An array whose length is known only when all its elements are written.
    pub fn array_of_unknown_len(&mut self, write: impl FnOnce(&mut Reply<'_>) -> usize) -> Done {
        let mut elements = Vec::new();
        let len = write(&mut Reply::new(&mut elements, self.encoder.protocol));
        self.encoder.array(len);
        self.encoder.out.append(&mut elements);
        Done(())
    }

    /// An array of strings.
    pub fn bulks<T: AsRef<[u8]>>(&mut self, items: impl ExactSizeIterator<Item = T>) -> Done {
        let mut array = self.array(items.len());
        items.for_each(|item| array.bulk(item.as_ref()));
        array.done()
    }

    fn elements(&mut self, missing: usize) -> Elements<'_, 'a> {
        Elements {
            reply: self,
            missing,
        }
    }
}

/// The elements of an announced array, map or set, to be written one by one.
#[must_use = "announced elements have to be written"]
pub struct Elements<'r, 'a> {
    reply: &'r mut Reply<'a>,
    missing: usize,
}

impl<'r, 'a> Elements<'r, 'a> {
    /// The place of the next element.
    pub fn element(&mut self) -> &mut Reply<'a> {
        self.missing = self
            .missing
            .checked_sub(1)
            .expect("as many elements as were announced");
        self.reply
    }

    pub fn bulk(&mut self, bytes: &[u8]) {
        let Done(()) = self.element().bulk(bytes);
    }

    pub fn integer(&mut self, number: i64) {
        let Done(()) = self.element().integer(number);
    }

    pub fn simple(&mut self, text: &str) {
        let Done(()) = self.element().simple(text);
    }

    pub fn null(&mut self) {
        let Done(()) = self.element().null();
    }

    /// Whether nobody reads what follows. Then the rest may be left out.
    #[inline]
    pub fn is_full(&self) -> bool {
        self.reply.is_full()
    }

    /// The elements will be written by the commands that this one runs.
    pub(crate) fn written_elsewhere(self) -> Done {
        Done(())
    }

    /// All elements are there.
    pub fn done(self) -> Done {
        let complete = self.missing == 0 || self.is_full();
        assert!(complete, "as many elements as were announced");
        Done(())
    }
}
