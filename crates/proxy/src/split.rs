//! One request over several servers: cut into fragments, and their replies put together again.

use resp::reply::write_request;
use resp::scan::Scanner;
use stdx::number;

use crate::table::{Command, Merge, Spread};

/// What becomes of a request when each key has told its server.
#[derive(Debug)]
pub enum Cut {
    /// All keys are on this server, or there are none.
    Whole(Option<usize>),
    /// For each server its part, and how to put the replies together.
    Fragments(Vec<Fragment>, Gather),
    /// The keys are on several servers, and the command must not be cut.
    Crossing,
    /// A key has no server.
    Homeless,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Fragment {
    pub unit: usize,
    pub request: Vec<u8>,
}

/// Cuts a request by the servers of its keys.
pub fn cut(
    command: &Command,
    words: &[&[u8]],
    mut server_of: impl FnMut(&[u8]) -> Option<usize>,
) -> Cut {
    let mut owners: Vec<(usize, usize)> = Vec::new();
    let mut homeless = false;
    command.each_key(words, |index| match server_of(words[index]) {
        Some(server) => owners.push((index, server)),
        None => homeless = true,
    });
    if homeless {
        return Cut::Homeless;
    }
    let Some(&(_, first)) = owners.first() else {
        return Cut::Whole(None);
    };
    if owners.iter().all(|&(_, server)| server == first) {
        return Cut::Whole(Some(first));
    }
    match plan(command, words.len()) {
        Some((step, assembly)) => fragments(command, words, &owners, step, assembly),
        None => Cut::Crossing,
    }
}

/// How many words belong to a key, and how replies are put together; none if the command means
/// something only in one piece.
fn plan(command: &Command, words: usize) -> Option<(usize, Assembly)> {
    if command.spread != Spread::EachKey {
        return None;
    }
    // Whatever replies in another way promises to do all or nothing.
    Some(match command.merge {
        Merge::Elements => (1, Assembly::Elements(Vec::new())),
        Merge::Sum => (1, Assembly::Sum),
        Merge::AllSucceeded if words % 2 == 1 => (2, Assembly::AllSucceeded),
        _ => return None,
    })
}

fn fragments(
    command: &Command,
    words: &[&[u8]],
    owners: &[(usize, usize)],
    step: usize,
    assembly: Assembly,
) -> Cut {
    let mut parts: Vec<(usize, Vec<&[u8]>)> = Vec::new();
    let mut order = Vec::with_capacity(owners.len());
    for &(index, server) in owners {
        let known = parts.iter().position(|(other, _)| *other == server);
        let part = known.unwrap_or_else(|| {
            parts.push((server, vec![command.name.as_bytes()]));
            parts.len() - 1
        });
        parts[part].1.extend_from_slice(&words[index..index + step]);
        order.push(part as u32);
    }
    let assembly = match assembly {
        Assembly::Elements(_) => Assembly::Elements(order),
        other => other,
    };
    let gather = Gather::new(assembly, parts.len());
    let fragments = parts.into_iter().map(|(server, words)| {
        let mut request = Vec::new();
        write_request(&mut request, &words);
        Fragment {
            unit: server,
            request,
        }
    });
    Cut::Fragments(fragments.collect(), gather)
}

/// How replies become one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Assembly {
    /// Each key's element, in order: the part that holds it.
    Elements(Vec<u32>),
    /// The elements of all, one part behind the other.
    Rows,
    AllSucceeded,
    OneSucceeded,
    Sum,
    Least,
    Greatest,
    And,
    Or,
    /// One of those that are not null; the number tells which.
    Pick(u64),
    /// The only reply, its cursor replaced by one that names the server too.
    Cursor {
        server: usize,
        servers: usize,
    },
    /// The first reply, its last line replaced by this number.
    Recount(i64),
    /// Memcached's values, and one end behind all.
    Values,
    /// Memcached's first line, or the first that is an error.
    Lines,
}

impl Assembly {
    /// For a command that every server is asked.
    pub fn of(merge: Merge) -> Assembly {
        match merge {
            Merge::Elements => Assembly::Rows,
            Merge::AllSucceeded | Merge::Special => Assembly::AllSucceeded,
            Merge::OneSucceeded => Assembly::OneSucceeded,
            Merge::Sum => Assembly::Sum,
            Merge::Least => Assembly::Least,
            Merge::Greatest => Assembly::Greatest,
            Merge::And => Assembly::And,
            Merge::Or => Assembly::Or,
        }
    }
}

/// The replies of several servers to one request, as they come.
#[derive(Debug)]
pub struct Gather {
    assembly: Assembly,
    parts: Vec<Vec<u8>>,
    missing: usize,
}

/// A reply of another kind than the command's.
const UNEXPECTED: &[u8] = b"-ERR a server sent a reply of an unexpected kind\r\n";

/// Servers a cursor can tell apart.
pub const CURSOR_SERVERS_MAX: usize = 1 << CURSOR_BITS;
const CURSOR_BITS: u32 = 10;

impl Gather {
    pub fn new(assembly: Assembly, parts: usize) -> Gather {
        Gather {
            assembly,
            parts: vec![Vec::new(); parts],
            missing: parts,
        }
    }

    /// More bytes of a part. Returns whether every part is whole now.
    pub fn add(&mut self, part: usize, bytes: &[u8], whole: bool) -> bool {
        self.parts[part].extend_from_slice(bytes);
        self.missing -= usize::from(whole);
        self.missing == 0
    }

    /// Forgets what is there of a part that will not become whole. Returns how many bytes it was.
    pub fn clear(&mut self, part: usize) -> usize {
        let len = self.parts[part].len();
        self.parts[part].clear();
        len
    }

    /// Bytes of all parts.
    pub fn len(&self) -> usize {
        self.parts.iter().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Writes the reply of all parts. Nothing is ever made of a part: an error is everybody's.
    pub fn finish(&self, out: &mut Vec<u8>) {
        let start = out.len();
        let failed = self.parts.iter().find(|part| self.is_error(part));
        let done = match (&self.assembly, failed) {
            (Assembly::OneSucceeded, _) => self.one_succeeded(out),
            (_, Some(error)) => {
                out.extend_from_slice(error);
                Some(())
            }
            (Assembly::Elements(order), _) => self.elements(order, out),
            (Assembly::Rows, _) => self.rows(out),
            (Assembly::AllSucceeded | Assembly::Lines, _) => self.first(out),
            (Assembly::Values, _) => self.values(out),
            (Assembly::Sum, _) => self.fold(out, i64::checked_add),
            (Assembly::Least, _) => self.fold(out, |a, b| Some(a.min(b))),
            (Assembly::Greatest, _) => self.fold(out, |a, b| Some(a.max(b))),
            (Assembly::And, _) => self.bits(out, |a, b| a && b),
            (Assembly::Or, _) => self.bits(out, |a, b| a || b),
            (Assembly::Pick(choice), _) => self.pick(*choice, out),
            (Assembly::Cursor { server, servers }, _) => self.cursor(*server, *servers, out),
            (Assembly::Recount(count), _) => self.recount(*count, out),
        };
        if done.is_none() {
            out.truncate(start);
            out.extend_from_slice(UNEXPECTED);
        }
    }

    fn is_error(&self, part: &[u8]) -> bool {
        match self.assembly {
            Assembly::Values => !part.starts_with(b"VALUE ") && part != b"END\r\n",
            Assembly::Lines => part.windows(5).take(20).any(|window| window == b"ERROR"),
            _ => part.first() == Some(&b'-'),
        }
    }

    fn values(&self, out: &mut Vec<u8>) -> Option<()> {
        for part in &self.parts {
            out.extend_from_slice(part.strip_suffix(b"END\r\n")?);
        }
        out.extend_from_slice(b"END\r\n");
        Some(())
    }

    fn first(&self, out: &mut Vec<u8>) -> Option<()> {
        out.extend_from_slice(self.parts.first()?);
        Some(())
    }

    fn one_succeeded(&self, out: &mut Vec<u8>) -> Option<()> {
        let good = self.parts.iter().find(|part| part.first() != Some(&b'-'));
        out.extend_from_slice(good.or(self.parts.first())?);
        Some(())
    }

    fn elements(&self, order: &[u32], out: &mut Vec<u8>) -> Option<()> {
        let parts: Option<Vec<Vec<&[u8]>>> = self.parts.iter().map(|p| elements(p)).collect();
        let mut parts: Vec<_> = parts?.into_iter().map(Vec::into_iter).collect();
        header(out, order.len());
        for &part in order {
            out.extend_from_slice(parts[part as usize].next()?);
        }
        let exhausted = parts.iter_mut().all(|part| part.next().is_none());
        exhausted.then_some(())
    }

    fn rows(&self, out: &mut Vec<u8>) -> Option<()> {
        if self.parts.iter().any(|part| part.first() != Some(&b'*')) {
            return self.first(out);
        }
        let parts: Option<Vec<Vec<&[u8]>>> = self.parts.iter().map(|p| elements(p)).collect();
        let parts = parts?;
        header(out, parts.iter().map(Vec::len).sum());
        for element in parts.iter().flatten() {
            out.extend_from_slice(element);
        }
        Some(())
    }

    fn fold(&self, out: &mut Vec<u8>, join: fn(i64, i64) -> Option<i64>) -> Option<()> {
        let mut numbers = self.parts.iter().map(|part| integer(part));
        let first = numbers.next()??;
        let result = numbers.try_fold(first, |sum, number| join(sum, number?))?;
        integer_line(out, result);
        Some(())
    }

    /// Arrays of 0 and 1, joined place by place.
    fn bits(&self, out: &mut Vec<u8>, join: fn(bool, bool) -> bool) -> Option<()> {
        let parts: Option<Vec<Vec<&[u8]>>> = self.parts.iter().map(|p| elements(p)).collect();
        let parts = parts?;
        let (first, rest) = parts.split_first()?;
        header(out, first.len());
        for (place, element) in first.iter().enumerate() {
            let mut bit = integer(element)? != 0;
            for part in rest {
                bit = join(bit, integer(part.get(place)?)? != 0);
            }
            integer_line(out, i64::from(bit));
        }
        Some(())
    }

    fn pick(&self, choice: u64, out: &mut Vec<u8>) -> Option<()> {
        let is_null = |part: &&Vec<u8>| part.starts_with(b"$-1") || part.starts_with(b"_");
        let there: Vec<&Vec<u8>> = self.parts.iter().filter(|part| !is_null(part)).collect();
        match there.len() {
            0 => self.first(out),
            len => {
                out.extend_from_slice(there[(choice % len as u64) as usize]);
                Some(())
            }
        }
    }

    fn cursor(&self, server: usize, servers: usize, out: &mut Vec<u8>) -> Option<()> {
        let elements = elements(self.parts.first()?)?;
        let [cursor, keys] = elements[..] else {
            return None;
        };
        let line = cursor.iter().position(|&byte| byte == b'\n')? + 1;
        let digits = std::str::from_utf8(cursor.get(line..)?.strip_suffix(b"\r\n")?).ok()?;
        let next = match digits.parse::<u64>().ok()? {
            0 if server + 1 == servers => 0,
            0 => server as u128 + 1,
            cursor => (u128::from(cursor) << CURSOR_BITS) | server as u128,
        };
        let next = next.to_string();
        header(out, 2);
        out.extend_from_slice(format!("${}\r\n{next}\r\n", next.len()).as_bytes());
        out.extend_from_slice(keys);
        Some(())
    }

    fn recount(&self, count: i64, out: &mut Vec<u8>) -> Option<()> {
        let reply = self.parts.first()?.strip_suffix(b"\r\n")?;
        let line = reply.iter().rposition(|&byte| byte == b'\n')? + 1;
        out.extend_from_slice(&reply[..line]);
        integer_line(out, count);
        Some(())
    }
}

/// Which server a client's cursor goes on with, and the cursor to tell it.
pub fn read_cursor(text: &[u8]) -> Option<(usize, u64)> {
    let digits = text.iter().all(u8::is_ascii_digit);
    let cursor: u128 = std::str::from_utf8(text).ok()?.parse().ok()?;
    let server = (cursor & (CURSOR_SERVERS_MAX as u128 - 1)) as usize;
    let own = u64::try_from(cursor >> CURSOR_BITS).ok()?;
    digits.then_some((server, own))
}

fn header(out: &mut Vec<u8>, len: usize) {
    out.push(b'*');
    out.extend_from_slice(&number::text_u64(len as u64));
    out.extend_from_slice(b"\r\n");
}

fn integer_line(out: &mut Vec<u8>, value: i64) {
    out.push(b':');
    out.extend_from_slice(&number::text(value));
    out.extend_from_slice(b"\r\n");
}

fn integer(reply: &[u8]) -> Option<i64> {
    let line = reply.strip_prefix(b":")?.strip_suffix(b"\r\n")?;
    number::parse_i64(line)
}

/// The elements of an array, as they were sent.
fn elements(reply: &[u8]) -> Option<Vec<&[u8]>> {
    let line = reply.iter().position(|&byte| byte == b'\n')?;
    if !reply.starts_with(b"*") {
        return None;
    }
    let count = number::parse_i64(reply[1..line].strip_suffix(b"\r")?)?;
    let mut rest = &reply[line + 1..];
    let mut elements = Vec::new();
    for _ in 0..count.max(0) {
        let scanned = Scanner::default().scan(rest).ok()?;
        if !scanned.whole {
            return None;
        }
        let (element, behind) = rest.split_at(scanned.len);
        elements.push(element);
        rest = behind;
    }
    rest.is_empty().then_some(elements)
}

#[cfg(test)]
mod tests;
