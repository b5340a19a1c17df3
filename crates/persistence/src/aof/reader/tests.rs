use super::*;
use proptest::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq)]
enum Owned {
    Command(Vec<Vec<u8>>),
    Timestamp(i64),
    Annotation(Vec<u8>),
}

impl From<Record<'_>> for Owned {
    fn from(record: Record<'_>) -> Owned {
        match record {
            Record::Command(arguments) => {
                Owned::Command(arguments.iter().map(<[u8]>::to_vec).collect())
            }
            Record::Timestamp(seconds) => Owned::Timestamp(seconds),
            Record::Annotation(text) => Owned::Annotation(text.to_vec()),
        }
    }
}

impl Owned {
    fn write(&self, out: &mut Vec<u8>) {
        match self {
            Owned::Command(arguments) => resp::reply::write_request(out, arguments),
            Owned::Timestamp(seconds) => out.extend(format!("#TS:{seconds}\r\n").as_bytes()),
            Owned::Annotation(text) => {
                out.push(b'#');
                out.extend_from_slice(text);
                out.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// Reads `file` in pieces that end at the `cuts`.
fn read(file: &[u8], cuts: &[usize]) -> (Vec<Owned>, Result<End, Broken>) {
    let mut reader = Reader::new(0);
    let mut records = Vec::new();
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (file.len() + 1)).collect();
    ends.push(file.len());
    ends.sort_unstable();
    let mut start = 0;
    for end in ends {
        reader.feed(&file[start..end]);
        start = end;
        loop {
            match reader.next() {
                Ok(Some(record)) => records.push(record.into()),
                Ok(None) => break,
                Err(broken) => return (records, Err(broken)),
            }
        }
    }
    (records, Ok(reader.end()))
}

fn command(words: &[&str]) -> Owned {
    Owned::Command(words.iter().map(|word| word.as_bytes().to_vec()).collect())
}

fn file_of(records: &[Owned]) -> Vec<u8> {
    let mut file = Vec::new();
    records.iter().for_each(|record| record.write(&mut file));
    file
}

#[test]
fn records_come_as_they_were_written() {
    let records = [
        command(&["SELECT", "0"]),
        Owned::Timestamp(1_628_217_473),
        command(&["SET", "k", ""]),
        Owned::Annotation(b"x".to_vec()),
    ];
    let file = file_of(&records);
    assert_eq!(read(&file, &[]), (records.to_vec(), Ok(End::Clean)));
}

#[test]
fn line_feeds_end_headers_too() {
    let (records, end) = read(b"*1\n$4\nPING\r\n#TS:1\n", &[]);
    assert_eq!(records, [command(&["PING"]), Owned::Timestamp(1)]);
    assert_eq!(end, Ok(End::Clean));
}

#[test]
fn a_transaction_that_is_open_is_cut_off_as_a_whole() {
    let file = file_of(&[
        command(&["SET", "a", "1"]),
        command(&["MULTI"]),
        command(&["SET", "b", "1"]),
        command(&["EXEC"]),
    ]);
    let multi = file_of(&[command(&["SET", "a", "1"])]).len();
    for cut in 0..file.len() {
        let (_, end) = read(&file[..cut], &[]);
        let begins = multi + b"*1\r\n$5\r\nMULTI\r\n".len();
        let expected = match cut {
            0 => End::Clean,
            _ if cut == multi => End::Clean,
            _ => End::Truncated {
                valid: if cut < multi { 0 } else { multi as u64 },
                in_transaction: cut >= begins,
            },
        };
        assert_eq!(end, Ok(expected), "cut at {cut}");
    }
    assert_eq!(read(&file, &[]).1, Ok(End::Clean));
}

#[test]
fn damage_is_named_with_its_place() {
    let cases: [(&[u8], u64, What); 12] = [
        (b"\0\0\0\0", 0, What::Start),
        (b"x", 0, What::Start),
        (b"*0\r\n", 0, What::Count),
        (b"*-1\r\n", 0, What::Count),
        (b"*x\r\n", 0, What::Count),
        (b"*99999999999\r\n", 0, What::Count),
        (b"*1\r\n:1\r\n", 4, What::Dollar),
        (b"*1\r\n$-1\r\n", 4, What::Length),
        (b"*1\r\n$18446744073709551615\r\n", 4, What::Length),
        (b"*1\r\n$1\r\nabc", 9, What::LineBreak),
        (&[b'#'; LINE_BYTES_MAX], 0, What::LineTooLong),
        (&[b'*'; LINE_BYTES_MAX], 0, What::LineTooLong),
    ];
    let whole = file_of(&[command(&["PING"])]);
    let valid = whole.len() as u64;
    for (bytes, offset, what) in cases {
        let file = [&whole, bytes].concat();
        let offset = offset + valid;
        let (records, end) = read(&file, &[]);
        assert_eq!(records.len(), 1);
        let broken = Broken {
            offset,
            valid,
            what,
        };
        assert_eq!(end, Err(broken), "{}", bytes.escape_ascii());
    }
}

/// Records with their sum before them.
fn checked(records: &[Owned]) -> Vec<u8> {
    let bytes = file_of(records);
    let mut file = Vec::new();
    annotation::write_check(&bytes, &mut file);
    file.extend(bytes);
    file
}

#[test]
fn nothing_is_handed_out_of_bytes_that_do_not_fit_their_sum() {
    let first = checked(&[command(&["SET", "a", "1"]), command(&["INCR", "a"])]);
    let second = checked(&[command(&["SET", "b", "2"])]);
    let file = [first.clone(), second.clone()].concat();
    let (records, end) = read(&file, &[]);
    assert_eq!((records.len(), end), (5, Ok(End::Clean)));
    // Cut off within the second part, all of that is cut off.
    for cut in first.len() + 1..file.len() {
        let (records, end) = read(&file[..cut], &[]);
        let valid = first.len() as u64;
        let in_transaction = false;
        let truncated = End::Truncated {
            valid,
            in_transaction,
        };
        assert_eq!((records.len(), end), (3, Ok(truncated)), "cut at {cut}");
    }
    // Behind the letters that make it a sum, no bit may be another.
    for at in first.len() + b"#CRC:".len()..file.len() {
        for bit in 0..8 {
            let mut file = file.clone();
            file[at] ^= 1 << bit;
            // A capital letter is the same digit.
            if file.eq_ignore_ascii_case(&[&first[..], &second[..]].concat()) && bit == 5 {
                continue;
            }
            let (records, end) = read(&file, &[]);
            assert_eq!(records.len(), 3, "byte {at}, bit {bit}");
            assert_ne!(end, Ok(End::Clean), "byte {at}, bit {bit}");
        }
    }
}

#[test]
fn a_sum_of_more_than_comes_takes_no_memory() {
    let mut reader = Reader::new(0);
    reader.feed(b"#CRC:0000000000000000:9223372036854775807\r\n");
    assert_eq!(reader.next().map(|record| record.is_some()), Ok(false));
    reader.feed(b"abc");
    assert_eq!(reader.next().map(|record| record.is_some()), Ok(false));
    assert!(reader.buffer.capacity() < 1024);
    let mut reader = Reader::new(0);
    reader.feed(b"#CRC:0000000000000000:18446744073709551615\r\n");
    assert!(reader.next().is_err());
}

#[test]
fn an_announced_length_takes_no_memory() {
    let mut reader = Reader::new(0);
    reader.feed(b"*2147483647\r\n$9223372036854775807\r\n");
    assert_eq!(reader.next().map(|record| record.is_some()), Ok(false));
    reader.feed(b"abc");
    assert_eq!(reader.next().map(|record| record.is_some()), Ok(false));
    assert!(reader.buffer.capacity() < 1024);
    assert!(reader.partial.ranges.capacity() < 1024);
}

#[test]
fn offsets_count_from_where_the_records_begin() {
    let mut reader = Reader::new(1000);
    reader.feed(b"*1\r\n$4\r\nPING\r\n*1\r\n");
    assert!(reader.next().is_ok_and(|record| record.is_some()));
    assert!(reader.next().is_ok_and(|record| record.is_none()));
    assert_eq!((reader.offset(), reader.pending()), (1014, 4));
}

#[test]
fn the_first_bytes_tell_a_snapshot() {
    assert_eq!(Opening::of(b""), Opening::Unknown);
    assert_eq!(Opening::of(b"REDI"), Opening::Unknown);
    assert_eq!(Opening::of(b"REDIS0009"), Opening::Snapshot);
    assert_eq!(Opening::of(b"*1"), Opening::Records);
    assert_eq!(Opening::of(b"REX"), Opening::Records);
}

fn any_record() -> impl Strategy<Value = Owned> {
    let word = prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..20),
        Just(b"MULTI".to_vec()),
        Just(b"exec".to_vec()),
    ];
    prop_oneof![
        8 => proptest::collection::vec(word, 1..6).prop_map(Owned::Command),
        1 => any::<i64>().prop_map(Owned::Timestamp),
        1 => "[a-z]{0,20}".prop_map(|text| Owned::Annotation(text.into_bytes())),
    ]
}

/// Where a file may be cut off that ends behind each of the records.
fn valid_ends(records: &[Owned]) -> Vec<(usize, u64)> {
    let (mut file, mut transaction, mut ends) = (Vec::new(), None, vec![(0, 0)]);
    for record in records {
        let start = file.len() as u64;
        record.write(&mut file);
        if let Owned::Command(words) = record {
            match words[0].to_ascii_lowercase().as_slice() {
                b"multi" => transaction = transaction.or(Some(start)),
                b"exec" => transaction = None,
                _ => {}
            }
        }
        ends.push((file.len(), transaction.unwrap_or(file.len() as u64)));
    }
    ends
}

proptest! {
    #[test]
    fn pieces_do_not_matter(
        records in proptest::collection::vec(any_record(), 0..20),
        cuts: Vec<usize>,
    ) {
        let file = file_of(&records);
        let (found, end) = read(&file, &cuts);
        prop_assert_eq!(found, records);
        prop_assert!(end.is_ok());
    }

    #[test]
    fn every_cut_is_known_as_one(records in proptest::collection::vec(any_record(), 1..8)) {
        let file = file_of(&records);
        let ends = valid_ends(&records);
        for cut in 0..=file.len() {
            let whole = ends.iter().take_while(|(end, _)| *end <= cut).count() - 1;
            let (end, valid) = ends[whole];
            let (found, at_end) = read(&file[..cut], &[]);
            prop_assert_eq!(&found[..], &records[..whole]);
            let expected = match end == cut && valid == end as u64 {
                true => End::Clean,
                false => End::Truncated { valid, in_transaction: valid != end as u64 },
            };
            prop_assert_eq!(at_end, Ok(expected));
        }
    }

    #[test]
    fn damage_is_found_alike_in_any_pieces(
        records in proptest::collection::vec(any_record(), 1..6),
        flips in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..4),
        cuts: Vec<usize>,
    ) {
        let mut file = file_of(&records);
        for (at, byte) in flips {
            let at = at % file.len();
            file[at] ^= byte;
        }
        let whole = read(&file, &[]);
        prop_assert_eq!(&whole, &read(&file, &cuts));
        if let Err(broken) = whole.1 {
            prop_assert!(broken.valid <= broken.offset && broken.offset <= file.len() as u64);
            // What the reader says is valid, is.
            let (_, end) = read(&file[..broken.valid as usize], &[]);
            prop_assert_eq!(end, Ok(End::Clean));
        }
    }
}
