//! A request cut for several servers loses no key, and whatever these reply, one reply comes of it.

#![no_main]

use libfuzzer_sys::fuzz_target;
use proxy::split::{Cut, cut};
use proxy::table;
use resp::request::{Batch, Limits, Parser};
use resp::scan::Scanner;

const LIMITS: Limits = Limits {
    bulk_bytes_max: 1024,
    unauthenticated: false,
};

fuzz_target!(|input: (Vec<Vec<u8>>, Vec<Vec<u8>>)| {
    let (request, replies) = input;
    let words: Vec<&[u8]> = request.iter().map(Vec::as_slice).collect();
    let Some(entry) = words.first().and_then(|name| table::find(name)) else {
        return;
    };
    let server_of = |key: &[u8]| Some(usize::from(key.first().copied().unwrap_or(0) % 5));
    let Cut::Fragments(fragments, mut gather) = cut(entry.command, &words, server_of) else {
        return;
    };
    let mut keys = Vec::new();
    entry.command.each_key(&words, |index| keys.push(words[index].to_vec()));
    let mut found = Vec::new();
    for fragment in &fragments {
        let mut bytes = fragment.request.clone();
        let (mut batch, mut parser) = (Batch::default(), Parser::default());
        let parsed = parser.parse(&mut bytes, &LIMITS, &mut batch);
        if parsed.error.is_some() {
            // An argument longer than this parser takes.
            return;
        }
        assert_eq!(batch.len(), 1);
        entry.command.each_key(batch.request(0), |index| {
            let key = batch.request(0)[index];
            assert_eq!(server_of(key), Some(fragment.unit));
            found.push(key.to_vec());
        });
    }
    keys.sort();
    found.sort();
    assert_eq!(found, keys);
    for part in 0..fragments.len() {
        let bytes = replies.get(part).cloned().unwrap_or_default();
        // A link hands on whole replies only.
        let whole = Scanner::default().scan(&bytes);
        let len = whole.ok().filter(|scanned| scanned.whole).map(|scanned| scanned.len);
        let reply = len.map_or(&b"-ERR down\r\n"[..], |len| &bytes[..len]);
        gather.add(part, reply, true);
    }
    let mut out = Vec::new();
    gather.finish(&mut out);
    let scanned = Scanner::default().scan(&out).expect("one reply comes of it");
    assert!(scanned.whole && scanned.len == out.len());
});
