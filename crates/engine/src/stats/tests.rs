use super::*;

#[test]
fn percentiles_lie_within_their_bucket() {
    let stats = Stats::new(1);
    let worker = stats.join();
    let command = &worker.commands[0];
    let percentile = |percent| stats.command(CommandId(0)).percentile_nanos(percent);
    assert_eq!(percentile(50.0), 0.0);
    for nanos in [100, 100, 100, 1000, u64::MAX] {
        command.record(1, nanos);
        command.track(1, nanos);
    }
    assert!(
        (64.0..=128.0).contains(&percentile(0.0)),
        "{}",
        percentile(0.0)
    );
    assert!((64.0..=128.0).contains(&percentile(50.0)));
    assert!((512.0..=1024.0).contains(&percentile(80.0)));
    assert_eq!(percentile(100.0), (1u64 << 40) as f64);
    assert_eq!(stats.command(CommandId(0)).tracked(), 5);
}

#[test]
fn calls_that_are_not_tracked_are_still_counted() {
    let stats = Stats::new(1);
    stats.join().commands[0].record(1, 7);
    let totals = stats.command(CommandId(0));
    assert_eq!((totals.calls, totals.nanos, totals.tracked()), (1, 7, 0));
}

#[test]
fn a_server_is_busy_while_clients_ask_much() {
    let stats = Stats::new(1);
    assert!(!stats.is_busy());
    let sample = |now_ms, commands| stats.rates.lock().sample(now_ms, [commands, 0, 0, 0, 0]);
    sample(0, 5000);
    assert!(!stats.is_busy(), "what was before is not a rate");
    sample(100, 5200);
    assert!(stats.is_busy());
    (2..20).for_each(|tenth| sample(tenth * 100, 5200));
    assert!(!stats.is_busy(), "that was long ago");
}
