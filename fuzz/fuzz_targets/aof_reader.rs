//! However an append-only file is cut into pieces, it holds the same records; and what is left of
//! a broken one up to where it is said to be valid, is valid.

#![no_main]

use libfuzzer_sys::fuzz_target;
use persistence::aof::Reader;
use persistence::aof::reader::{Broken, End, Record};

fuzz_target!(|input: (Vec<u8>, Vec<u8>)| {
    let (cuts, file) = input;
    let whole = read(&[&file]);
    assert_eq!(read(&pieces(&file, &cuts)), whole);
    let valid = match whole.1 {
        Ok(End::Clean) => file.len() as u64,
        Ok(End::Truncated { valid, .. }) | Err(Broken { valid, .. }) => valid,
    };
    assert_eq!(read(&[&file[..valid as usize]]).1, Ok(End::Clean));
});

/// Cuts `file` into pieces of these lengths, and what is left.
fn pieces<'a>(mut file: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut pieces = Vec::new();
    for &cut in cuts {
        let (piece, rest) = file.split_at(file.len().min(usize::from(cut)));
        pieces.push(piece);
        file = rest;
    }
    pieces.push(file);
    pieces
}

fn read(pieces: &[&[u8]]) -> (Vec<Vec<Vec<u8>>>, Result<End, Broken>) {
    let (mut reader, mut records) = (Reader::new(0), Vec::new());
    for piece in pieces {
        reader.feed(piece);
        loop {
            match reader.next() {
                Ok(None) => break,
                Ok(Some(Record::Command(arguments))) => {
                    records.push(arguments.iter().map(<[u8]>::to_vec).collect());
                }
                Ok(Some(Record::Timestamp(seconds))) => {
                    records.push(vec![seconds.to_string().into_bytes()]);
                }
                Ok(Some(Record::Annotation(text))) => records.push(vec![text.to_vec()]),
                Err(broken) => return (records, Err(broken)),
            }
        }
    }
    (records, Ok(reader.end()))
}
