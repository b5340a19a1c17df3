//! A pipeline of requests as bytes that are ready to be sent.
//!
//! Whatever changes from one time to the next is as long as what it replaces, so the bytes are laid
//! out once and only the digits at known places are written anew.

use stdx::prng::Prng;

use crate::suite::Request;

/// Twelve digits stand in its place.
pub const RANDOM: &[u8] = b"__rand_int__";

/// The payload stands in its place.
pub const DATA: &[u8] = b"__data__";

/// Three letters stand in the place of `tag`, whose hash is a slot of the node asked.
pub const TAG: &[u8] = b"{tag}";

/// A pipeline, laid out.
#[derive(Clone, Debug)]
pub struct Pipeline {
    bytes: Vec<u8>,
    /// Where random numbers go.
    numbers: Vec<usize>,
    /// How many different numbers there are.
    keyspace: u64,
    /// How many replies come back: one for each request.
    pub replies: usize,
}

/// How a pipeline is made.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'a> {
    pub requests: usize,
    pub keyspace: Option<u64>,
    pub payload: &'a [u8],
    /// For keys of a cluster: the letters of a tag.
    pub tag: Option<[u8; 3]>,
}

impl Pipeline {
    pub fn new(request: &Request, shape: Shape<'_>) -> Pipeline {
        let one = encode(request, shape);
        let mut numbers = Vec::new();
        if shape.keyspace.is_some() {
            numbers.extend(find(&one, RANDOM));
        }
        let copies = 0..shape.requests;
        Pipeline {
            numbers: copies
                .flat_map(|copy| numbers.iter().map(move |at| (copy, *at)))
                .map(|(copy, at)| copy * one.len() + at)
                .collect(),
            bytes: one.repeat(shape.requests),
            keyspace: shape.keyspace.unwrap_or(1),
            replies: shape.requests,
        }
    }

    /// The bytes to send, with other numbers than the last time.
    pub fn draw(&mut self, prng: &mut Prng) -> &[u8] {
        for at in &self.numbers {
            let digits = &mut self.bytes[*at..*at + RANDOM.len()];
            write_digits(digits, prng.below(self.keyspace));
        }
        &self.bytes
    }

    /// One of the requests that were sent last.
    pub fn request(&self, number: usize) -> &[u8] {
        let len = self.bytes.len() / self.replies;
        &self.bytes[number * len..][..len]
    }

    #[cfg(test)]
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Whether the request goes to the slot of a tag.
pub fn has_tag(request: &Request) -> bool {
    match request {
        Request::Inline(_) => false,
        Request::Words(words) => words.iter().any(|word| !find(word, TAG).is_empty()),
    }
}

/// The bytes of one request.
pub fn encode(request: &Request, shape: Shape<'_>) -> Vec<u8> {
    let words = match request {
        Request::Inline(line) => return [line.as_bytes(), b"\r\n"].concat(),
        Request::Words(words) => words,
    };
    let words: Vec<Vec<u8>> = words
        .iter()
        .map(|word| {
            let mut word = replace(word, DATA, shape.payload);
            if let Some(tag) = shape.tag {
                word = replace(&word, TAG, &[b"{".as_slice(), &tag, b"}"].concat());
            }
            word
        })
        .collect();
    let mut bytes = Vec::new();
    resp::reply::write_request(&mut bytes, &words);
    bytes
}

/// The places where `what` begins in `text`, none within another.
fn find(text: &[u8], what: &[u8]) -> Vec<usize> {
    let mut places = Vec::new();
    let mut at = 0;
    while at + what.len() <= text.len() {
        if text[at..].starts_with(what) {
            places.push(at);
            at += what.len();
        } else {
            at += 1;
        }
    }
    places
}

fn replace(text: &[u8], what: &[u8], instead: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(text.len());
    let mut from = 0;
    for at in find(text, what) {
        replaced.extend_from_slice(&text[from..at]);
        replaced.extend_from_slice(instead);
        from = at + what.len();
    }
    replaced.extend_from_slice(&text[from..]);
    replaced
}

fn write_digits(digits: &mut [u8], mut number: u64) {
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// A payload of this size, of letters that do not compress to nothing.
pub fn payload(bytes: usize) -> Vec<u8> {
    let mut prng = Prng::new(1);
    let letters = (0..bytes).map(|_| b'A' + prng.below(26) as u8);
    letters.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const SHAPE: Shape<'static> = Shape {
        requests: 1,
        keyspace: None,
        payload: b"xyz",
        tag: None,
    };

    fn words(line: &str) -> Request {
        let words = line.split(' ').map(|word| word.as_bytes().to_vec());
        Request::Words(words.collect())
    }

    #[test]
    fn words_stay_what_they_are_unless_asked_to_change() {
        let pipeline = Pipeline::new(&words("GET k:__rand_int__"), SHAPE);
        assert_eq!(
            pipeline.bytes(),
            b"*2\r\n$3\r\nGET\r\n$14\r\nk:__rand_int__\r\n"
        );
        let inline = Pipeline::new(
            &Request::Inline("PING"),
            Shape {
                requests: 3,
                ..SHAPE
            },
        );
        assert_eq!(inline.bytes(), b"PING\r\nPING\r\nPING\r\n");
        assert_eq!(inline.replies, 3);
    }

    #[test]
    fn payloads_and_tags_are_laid_out_once() {
        let shape = Shape {
            tag: Some(*b"a1B"),
            ..SHAPE
        };
        let pipeline = Pipeline::new(&words("SET k:{tag}:1 __data__"), shape);
        assert_eq!(
            pipeline.bytes(),
            b"*3\r\n$3\r\nSET\r\n$9\r\nk:{a1B}:1\r\n$3\r\nxyz\r\n"
        );
        assert_eq!(payload(5).len(), 5);
    }

    proptest! {
        #[test]
        fn every_number_of_a_pipeline_is_drawn_from_the_range(
            requests in 1..20usize,
            keyspace in 1..2000u64,
            seed: u64,
        ) {
            let shape = Shape { requests, keyspace: Some(keyspace), ..SHAPE };
            let request = words("SET a__rand_int__b__rand_int__ v");
            let mut pipeline = Pipeline::new(&request, shape);
            let mut prng = Prng::new(seed);
            let len = pipeline.bytes().len();
            for _ in 0..3 {
                let bytes = pipeline.draw(&mut prng).to_vec();
                prop_assert_eq!(bytes.len(), len);
                let text = String::from_utf8(bytes).unwrap();
                let keys: Vec<&str> = text.lines().filter(|line| line.starts_with('a')).collect();
                prop_assert_eq!(keys.len(), requests);
                for key in keys {
                    let (one, other) = key[1..].split_once('b').unwrap();
                    for number in [one, other] {
                        prop_assert_eq!(number.len(), 12);
                        prop_assert!(number.parse::<u64>().unwrap() < keyspace);
                    }
                }
            }
        }
    }
}
