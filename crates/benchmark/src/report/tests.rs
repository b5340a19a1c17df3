use super::*;
use crate::figures::tests::figures;
use expect_test::expect;

fn options(line: &str) -> Options {
    let words = line.split_whitespace().map(|word| word.as_bytes().to_vec());
    Options::parse(&words.collect::<Vec<_>>()).unwrap()
}

fn servers(count: usize) -> Vec<Server> {
    let keeps = [String::new(), "no".to_owned()];
    (0..count)
        .map(|number| Server {
            name: format!("h:{number}"),
            keeps: Some(keeps.clone()),
        })
        .collect()
}

fn about<'a>(options: &'a Options, servers: &'a [Server]) -> Circumstances<'a> {
    Circumstances {
        title: "SET",
        payload_bytes: 3,
        servers,
        options,
        threads: 2,
    }
}

#[test]
fn a_report_has_the_form_that_scripts_know() {
    let (options, servers) = (options("-n 4 -c 2"), servers(1));
    expect![[r#"
        ====== SET ======
          4 requests completed in 0.50 seconds
          2 parallel clients
          3 bytes payload
          keep alive: 1
          host configuration "save": 
          host configuration "appendonly": no
          multi-thread: no

        Latency by percentile distribution:
        0.000% <= 0.183 milliseconds (cumulative count 1)
        50.000% <= 0.303 milliseconds (cumulative count 2)
        75.000% <= 0.503 milliseconds (cumulative count 3)
        87.500% <= 1.007 milliseconds (cumulative count 4)
        100.000% <= 1.007 milliseconds (cumulative count 4)

        Cumulative distribution of latencies:
        0.000% <= 0.103 milliseconds (cumulative count 0)
        25.000% <= 0.207 milliseconds (cumulative count 1)
        50.000% <= 0.303 milliseconds (cumulative count 2)
        75.000% <= 0.503 milliseconds (cumulative count 3)
        100.000% <= 1.007 milliseconds (cumulative count 4)

        Summary:
          throughput summary: 8.00 requests per second
          latency summary (msec):
                  avg       min       p50       p95       p99       max
                0.496     0.176     0.303     1.007     1.007     1.007
    "#]]
    .assert_eq(&full(
        &about(&options, &servers),
        &figures(3, &[180, 300, 500, 1000]),
    ));
}

#[test]
fn a_cluster_and_threads_are_told() {
    let (options, servers) = (options("--cluster --rate 100 --cpu"), servers(2));
    let text = full(&about(&options, &servers), &figures(3, &[180]));
    let part = "  keep alive: 1\n  cluster mode: yes (2 masters)\n  node [0] configuration:\n    \
        save: NONE\n    appendonly: no\n  node [1] configuration:\n    save: NONE\n    \
        appendonly: no\n  multi-thread: yes\n  threads: 2\n  rate: 100 requests per second\n\n";
    assert!(text.contains(part), "{text}");
    let cpu = "  cpu summary (usec per request):\n       client    server\n        \
        5.000     6.250\n";
    assert!(text.ends_with(cpu), "{text}");
}

#[test]
fn a_server_that_does_not_tell_is_not_asked_twice() {
    let silent = [Server::default()];
    let options = options("");
    let text = full(&about(&options, &silent), &figures(3, &[180]));
    assert!(
        text.contains("  keep alive: 1\n  multi-thread: no\n"),
        "{text}"
    );
}

#[test]
fn lines_for_people_and_programs() {
    let measured = figures(3, &[180, 300, 500, 1000]);
    assert_eq!(
        quiet("SET", &measured, false),
        "SET: 8.00 requests per second, p50=0.303 msec\n"
    );
    assert_eq!(
        quiet("SET", &measured, true),
        "SET: 8.00 requests per second, p50=0.303 msec, client cpu=5.000 usec, \
         server cpu=6.250 usec\n"
    );
    assert_eq!(
        csv("a \"b\"", &measured),
        "\"a \"\"b\"\"\",\"8.00\",\"0.496\",\"0.176\",\"0.303\",\"1.007\",\"1.007\",\"1.007\"\n"
    );
    let (options, servers) = (options("-P 4"), servers(1));
    expect![[r#"
        {"test":"SET","servers":["h:0"],"requests":4,"seconds":0.500000,"clients":50,"threads":2,"pipeline":4,"payload_bytes":3,"keep_alive":true,"rate":null,"requests_per_second":8.00,"latency_ms":{"avg":0.496,"min":0.176,"p50":0.303,"p90":1.007,"p95":1.007,"p99":1.007,"p99.9":1.007,"max":1.007},"redirections":0,"cpu_us_per_request":{"client":5.000,"server":6.250}}
    "#]]
    .assert_eq(&json(&about(&options, &servers), &measured));
    assert_eq!(json_text("a\"\\\n\u{e9}"), "\"a\\\"\\\\\\u000a\u{e9}\"");
}
