use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

const LIMITS: Limits = Limits {
    bulk_bytes_max: 512 << 20,
    unauthenticated: false,
};

type Requests = Vec<Vec<Vec<u8>>>;

/// Feeds `pieces` as a connection would, keeping only the unconsumed tail between reads.
fn feed(pieces: &[&[u8]], limits: &Limits) -> (Requests, Option<ProtocolError>) {
    let (mut parser, mut tail, mut requests) = (Parser::default(), Vec::new(), Vec::new());
    for piece in pieces {
        tail.extend_from_slice(piece);
        let mut batch = Batch::default();
        let parsed = parser.parse(&mut tail, limits, &mut batch);
        for index in 0..batch.len() {
            requests.push(
                batch
                    .request(index)
                    .iter()
                    .map(|arg| arg.to_vec())
                    .collect(),
            );
        }
        if parsed.error.is_some() {
            return (requests, parsed.error);
        }
        tail.drain(..parsed.consumed);
    }
    (requests, None)
}

fn whole(bytes: &[u8]) -> (Requests, Option<ProtocolError>) {
    feed(&[bytes], &LIMITS)
}

fn words(requests: &[&[&str]]) -> Requests {
    let bytes = |words: &&[&str]| words.iter().map(|word| word.as_bytes().to_vec()).collect();
    requests.iter().map(bytes).collect()
}

#[test]
fn a_pipeline_is_taken_whole() {
    let input =
        b"*2\r\n$3\r\nGET\r\n$1\r\nk\r\nPING\r\n\r\n*0\r\n*-1\r\n*1\r\n$0\r\n\r\n*1\r\n$4\r\nQU";
    assert_eq!(
        whole(input),
        (words(&[&["GET", "k"], &["PING"], &[""]]), None)
    );
}

#[test]
fn inline_requests_know_quotes() {
    let input = b"set \"a b\" 'c\\'d' \"\\x41\\n\" \"\"\r\n  get   k \n";
    let expected = words(&[&["set", "a b", "c'd", "A\n", ""], &["get", "k"]]);
    assert_eq!(whole(input), (expected, None));
    assert_eq!(
        whole(b"set \"a\r\n").1,
        Some(ProtocolError::UnbalancedQuotes)
    );
}

#[test]
fn broken_streams_are_named() {
    use ProtocolError::*;
    let cases: &[(&[u8], ProtocolError)] = &[
        (b"*2147483648\r\n", ArgsAnnounced),
        (b"*99999999999999999999\r\n", ArgsAnnounced),
        (b"*1a\r\n", ArgsAnnounced),
        (b"*+1\r\n", ArgsAnnounced),
        (b"*01\r\n", ArgsAnnounced),
        (b"*1\rX$4", ArgsAnnounced),
        (b"*1\r\n:4\r\n", BulkExpected(b':')),
        (b"*1\r\n$-1\r\n", BulkLength),
        (b"*1\r\n$ 5\r\n", BulkLength),
        (b"*1\r\n$536870913\r\n", BulkLength),
        (b"*1\r\n$5\r\nabcdeXX", BulkLength),
    ];
    for (input, error) in cases {
        assert_eq!(whole(input).1, Some(*error), "{}", input.escape_ascii());
    }
    assert_eq!(whole(&vec![b'a'; LINE_BYTES_MAX]).1, Some(LineTooLong));
    let long = |head: &[u8]| [head, &vec![b'1'; LINE_BYTES_MAX + 1]].concat();
    assert_eq!(whole(&long(b"*")).1, Some(ArgsHeaderTooLong));
    assert_eq!(whole(&long(b"*1\r\n$")).1, Some(BulkHeaderTooLong));
}

#[test]
fn strangers_may_announce_less() {
    let limits = Limits {
        unauthenticated: true,
        ..LIMITS
    };
    let args = feed(&[b"*11\r\n"], &limits).1;
    assert_eq!(args, Some(ProtocolError::ArgsAnnouncedUnauthenticated));
    let bulk = feed(&[b"*1\r\n$16385\r\n"], &limits).1;
    assert_eq!(bulk, Some(ProtocolError::BulkLengthUnauthenticated));
}

#[test]
fn memory_follows_the_bytes_received() {
    let mut parser = Parser::default();
    let mut batch = Batch::default();
    let mut input = b"*1000000\r\n$536870912\r\nab".to_vec();
    parser.parse(&mut input, &LIMITS, &mut batch);
    let partial = parser.partial.expect("the request is incomplete");
    assert!(partial.ranges.capacity() < 16);
}

/// A request as a client library writes it.
fn encode(args: &[Vec<u8>]) -> Vec<u8> {
    let mut out = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        out.extend(
            format!("${}\r\n", arg.len())
                .bytes()
                .chain(arg.iter().copied()),
        );
        out.extend(b"\r\n");
    }
    out
}

proptest! {
    #[test]
    fn any_split_gives_the_same_requests(
        requests in vec(vec(vec(any::<u8>(), 0..40), 1..6), 1..8),
        cuts in vec(any::<prop::sample::Index>(), 0..12),
    ) {
        let bytes: Vec<u8> = requests.iter().flat_map(|request| encode(request)).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.sort_unstable();
        cuts.insert(0, 0);
        cuts.push(bytes.len());
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(feed(&pieces, &LIMITS), (requests, None));
    }

    #[test]
    fn twins_are_told_from_those_that_only_look_alike(
        requests in vec(vec(vec(prop::sample::select(b"a$1\r\n".to_vec()), 0..3), 1..4), 1..3),
        order in vec(any::<prop::sample::Index>(), 1..30),
        change in any::<prop::sample::Index>(),
        to in prop::sample::select(b"*$129a\r\n".to_vec()),
    ) {
        let requests = order.iter().map(|index| index.get(&requests));
        let mut bytes: Vec<u8> = requests.flat_map(|request| encode(request)).collect();
        let one_by_one = |bytes: &[u8]| feed(&bytes.chunks(1).collect::<Vec<_>>(), &LIMITS);
        prop_assert_eq!(one_by_one(&bytes), whole(&bytes));
        let at = change.index(bytes.len());
        bytes[at] = to;
        prop_assert_eq!(one_by_one(&bytes), whole(&bytes));
    }

    #[test]
    fn garbage_means_the_same_however_it_arrives(
        pieces in vec(vec(prop::sample::select(b"*$12-\r\n\"' aG".to_vec()), 0..12), 0..12),
    ) {
        let bytes = pieces.concat();
        let split: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(feed(&split, &LIMITS), whole(&bytes));
    }
}

#[test]
fn an_incomplete_request_says_how_far_it_is_understood() {
    let standing = |input: &[u8]| {
        let (mut parser, mut input) = (Parser::default(), input.to_vec());
        let limits = Limits {
            bulk_bytes_max: 1 << 20,
            unauthenticated: false,
        };
        parser.parse(&mut input, &limits, &mut Batch::default());
        let standing = parser.standing(input.len());
        let Standing {
            understood,
            argument_bytes,
            argument_left,
        } = standing;
        (understood, argument_bytes, argument_left)
    };
    assert_eq!(standing(b""), (0, 0, 0));
    assert_eq!(standing(b"*3\r\n$3"), (4, 0, 0));
    assert_eq!(standing(b"*3\r\n$3\r\nSET\r\n$1"), (13, 3, 0));
    assert_eq!(
        standing(b"*3\r\n$3\r\nSET\r\n$40000\r\nabc"),
        (21, 3, 39_999)
    );
    assert_eq!(standing(b"*1\r\n$4\r\nPING\r\n"), (0, 0, 0));
}
