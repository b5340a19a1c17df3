use proptest::prelude::*;

use super::Hello;

const ID: &str = "a64986e12f1f94b89fa5d37e473a75f55ac9c290";

fn hello(text: &str) -> Option<Hello> {
    Hello::parse(text.replace("ID", ID).as_bytes())
}

#[test]
fn an_observed_hello_is_read_and_written() {
    let text = format!("127.0.0.1,27002,{ID},1,mymaster,127.0.0.1,17003,1");
    let hello = Hello::parse(text.as_bytes()).expect("a hello");
    assert_eq!(hello.id, ID);
    assert_eq!((hello.port, hello.master_port), (27002, 17003));
    assert_eq!(hello.to_string(), text);
}

#[test]
fn what_no_sentinel_says_is_no_hello() {
    for text in [
        "",
        "bar",
        "127.0.0.1,27002,ID,1,m,127.0.0.1,17003",
        "127.0.0.1,27002,ID,1,m,127.0.0.1,17003,1,9",
        "127.0.0.1,27002,ID,18446744073709551615,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,ID,1,m,127.0.0.1,17003,18446744073709551615",
        "127.0.0.1,27002,ID,-1,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,ID,99999999999999999999,m,127.0.0.1,17003,1",
        "::,27002,ID,1,m,127.0.0.1,17003,1",
        "0.0.0.0,27002,ID,1,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,ID,1,m,::,17003,1",
        ",27002,ID,1,m,127.0.0.1,17003,1",
        "127.0.0.1,0,ID,1,m,127.0.0.1,17003,1",
        "127.0.0.1,99999,ID,1,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,bbbb,1,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,IDa,1,m,127.0.0.1,17003,1",
        "bad host,27002,ID,1,m,127.0.0.1,17003,1",
        "a\nb,27002,ID,1,m,127.0.0.1,17003,1",
        "127.0.0.1,27002,ID,1,m,127.0.0.1,70000,1",
        "127.0.0.1,27002,ID,1,m,127.0.0.1, 1,1",
    ] {
        assert_eq!(hello(text), None, "{text}");
    }
    assert_eq!(Hello::parse(b"\xff,1,x,1,m,h,1,1"), None);
    assert!(hello("sentinel-1.example,27002,ID,1,m,fe80::1,17003,1").is_some());
}

proptest! {
    #[test]
    fn any_bytes_are_a_hello_or_not(bytes: Vec<u8>) {
        if let Some(hello) = Hello::parse(&bytes) {
            prop_assert_eq!(Hello::parse(hello.to_string().as_bytes()), Some(hello));
        }
    }
}
