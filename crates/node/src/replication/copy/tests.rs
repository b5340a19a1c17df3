use std::io::Read;
use std::sync::Arc;
use std::task::Waker;
use std::thread;

use super::{Pipe, PipeReader, WAITING_BYTES_MAX};

#[test]
fn a_pipe_keeps_the_mark_back() {
    let pipe = Arc::new(Pipe::new(4));
    let reader = Arc::clone(&pipe);
    let read = thread::spawn(move || {
        let mut all = Vec::new();
        let read = PipeReader(reader).read_to_end(&mut all);
        (read.is_ok(), all)
    });
    for piece in [&b"the co"[..], b"", b"py", b"MA", b"RK"] {
        pipe.push(piece);
    }
    pipe.finish(4);
    let (is_whole, all) = read.join().expect("the reader does not panic");
    assert!(is_whole);
    assert_eq!(all, b"the copy");
}

#[test]
fn a_pipe_that_breaks_is_no_copy() {
    let pipe = Arc::new(Pipe::new(0));
    pipe.push(b"half");
    pipe.break_off();
    assert!(PipeReader(Arc::clone(&pipe)).read(&mut [0; 9]).is_err());
}

#[test]
fn a_full_pipe_stops_the_link_until_it_is_read() {
    let pipe = Arc::new(Pipe::new(0));
    assert!(pipe.has_room(Waker::noop()));
    pipe.push(&vec![0; WAITING_BYTES_MAX]);
    assert!(!pipe.has_room(Waker::noop()));
    let read = PipeReader(Arc::clone(&pipe)).read(&mut [0; 9]);
    assert_eq!(read.expect("it is there"), 9);
    assert!(pipe.has_room(Waker::noop()));
    // Nobody reads: then nothing is kept.
    pipe.drain();
    pipe.push(&vec![0; WAITING_BYTES_MAX]);
    assert!(pipe.has_room(Waker::noop()));
}
