use expect_test::expect;

use crate::{Input, Output, ScriptEnd, ScriptId};

use super::Bench;

fn bench() -> Bench {
    let mut bench = Bench::new(&[
        "monitor mymaster 127.0.0.1 6379 2",
        "notification-script mymaster /notify",
        "client-reconfig-script mymaster /clients",
        // No silence is worth an event.
        "down-after-milliseconds mymaster 1000000000",
    ]);
    bench.step(Input::Tick);
    bench
}

fn take_run(bench: &mut Bench) -> Option<(ScriptId, String)> {
    let runs = |output: &Output| matches!(output, Output::RunScript { .. });
    let position = bench.others.iter().position(runs)?;
    match bench.others.remove(position) {
        Output::RunScript { script, path, args } => {
            let words = std::iter::once(path).chain(args).collect::<Vec<_>>();
            Some((script, super::text(&words)))
        }
        _ => None,
    }
}

#[test]
fn grave_events_are_told_to_a_script() {
    let mut bench = bench();
    let (script, run) = take_run(&mut bench).expect("a script");
    assert_eq!(
        run,
        "/notify +monitor master mymaster 127.0.0.1 6379 quorum 2"
    );
    let pid = Some(77);
    bench.step(Input::ScriptStarted { script, pid });
    bench.now_ms += 10;
    expect![[r#"
        > pending-scripts
          "argv"
              "/notify"
              "+monitor"
              "master mymaster 127.0.0.1 6379 quorum 2"
          flags running
          pid 77
          run-time 10
          retry-num 1
    "#]]
    .assert_eq(&bench.say("pending-scripts"));
    let end = ScriptEnd::Exited(0);
    bench.step(Input::ScriptEnded { script, end });
    assert_eq!(bench.say("pending-scripts"), "> pending-scripts\nempty\n");
}

#[test]
fn a_switch_is_told_to_clients() {
    let mut bench = bench();
    take_run(&mut bench);
    let id = super::PEERS[0];
    bench.hello(&format!("127.0.0.1,26380,{id},4,mymaster,127.0.0.1,6380,4"));
    bench.step(Input::Tick);
    let runs = std::iter::from_fn(|| take_run(&mut bench)).map(|(_, run)| run);
    let clients = runs
        .filter(|run| run.starts_with("/clients"))
        .collect::<Vec<_>>();
    assert_eq!(
        clients,
        ["/clients mymaster observer start 127.0.0.1 6379 127.0.0.1 6380"]
    );
}

#[test]
fn a_failed_script_is_tried_ten_times_ever_later() {
    let mut bench = bench();
    let mut waited_ms = Vec::new();
    let mut last_ms = bench.now_ms;
    while let Some((script, _)) = take_run(&mut bench) {
        waited_ms.push(bench.now_ms - last_ms);
        last_ms = bench.now_ms;
        let pid = Some(1);
        bench.step(Input::ScriptStarted { script, pid });
        let end = ScriptEnd::Exited(1);
        bench.step(Input::ScriptEnded { script, end });
        for _ in 0..600 {
            if bench
                .others
                .iter()
                .any(|output| matches!(output, Output::RunScript { .. }))
            {
                break;
            }
            bench.now_ms += 30_000;
            bench.machine.core.last = None;
            bench.step(Input::Tick);
        }
    }
    assert_eq!(waited_ms.len(), 10);
    assert_eq!(waited_ms[1..4], [30_000, 60_000, 120_000]);
    assert!(bench.take_lines().contains("-script-error /notify 0 1"));
    assert_eq!(bench.say("pending-scripts"), "> pending-scripts\nempty\n");
}

#[test]
fn a_script_that_knows_it_failed_is_not_tried_again() {
    let mut bench = bench();
    let (script, _) = take_run(&mut bench).expect("a script");
    let pid = Some(1);
    bench.step(Input::ScriptStarted { script, pid });
    let end = ScriptEnd::Exited(2);
    bench.step(Input::ScriptEnded { script, end });
    assert!(bench.take_lines().contains("-script-error /notify 0 2"));
    assert_eq!(bench.say("pending-scripts"), "> pending-scripts\nempty\n");
}

#[test]
fn a_script_that_takes_too_long_is_killed() {
    let mut bench = bench();
    let (script, _) = take_run(&mut bench).expect("a script");
    let pid = Some(9);
    bench.step(Input::ScriptStarted { script, pid });
    bench.now_ms += 60_100;
    bench.machine.core.last = None;
    bench.step(Input::Tick);
    assert!(
        bench
            .others
            .contains(&Output::KillScript { script, pid: 9 })
    );
    assert!(bench.take_lines().contains("-script-timeout /notify 9"));
    let end = ScriptEnd::Killed(9);
    bench.step(Input::ScriptEnded { script, end });
    let pending = bench.say("pending-scripts");
    assert!(pending.contains("scheduled"), "{pending}");
}

#[test]
fn no_more_scripts_wait_than_are_allowed() {
    let mut bench = bench();
    for _ in 0..500 {
        bench.say("set mymaster quorum 2");
    }
    bench.step(Input::Tick);
    assert_eq!(std::iter::from_fn(|| take_run(&mut bench)).count(), 16);
    let info = bench.machine.info(&bench.view());
    assert!(info.contains("sentinel_running_scripts:16\r\n"), "{info}");
    assert!(
        info.contains("sentinel_scripts_queue_length:256\r\n"),
        "{info}"
    );
}
