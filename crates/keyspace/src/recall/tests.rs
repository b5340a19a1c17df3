use super::*;

const MINUTE: i64 = 60_000;

fn frequency(log_factor: u32, decay_minutes: u32) -> Recall {
    Recall::Frequency(Frequency {
        log_factor,
        decay_minutes,
        chances: Prng::new(1),
    })
}

#[test]
fn idle_time_survives_the_clock_wrapping() {
    let mut recall = Recall::Recency;
    let last = UnixMillis(i64::from(SECONDS_MASK) * 1000);
    let access = recall.used(0, last);
    assert_eq!(access, SECONDS_MASK);
    assert_eq!(recall.idle_seconds(access, UnixMillis(last.0 + 5_000)), 5);
    assert_eq!(recall.frequency(access, last), 0);
}

#[test]
fn a_counter_grows_with_the_logarithm_of_the_uses() {
    let counted = |log_factor: u32, uses: usize| {
        let (mut recall, now) = (frequency(log_factor, 1), UnixMillis(0));
        let access = (0..uses).fold(recall.created(now), |access, _| recall.used(access, now));
        recall.frequency(access, now)
    };
    assert_eq!(counted(0, 100), 105);
    assert_eq!(counted(0, 1_000), 255);
    assert!((6..20).contains(&counted(10, 100)));
    assert!((10..30).contains(&counted(10, 1_000)));
    assert!((100..200).contains(&counted(10, 100_000)));
}

#[test]
fn a_counter_shrinks_with_time() {
    let (recall, start) = (frequency(10, 2), UnixMillis(0));
    let access = recall.created(start);
    let after = |minutes: i64| recall.frequency(access, UnixMillis(minutes * MINUTE));
    assert_eq!(
        [after(1), after(2), after(9), after(10), after(1000)],
        [5, 4, 1, 0, 0]
    );
    let never = frequency(10, 0);
    assert_eq!(never.frequency(access, UnixMillis(1000 * MINUTE)), 5);
    // The clock of minutes wraps after 45 days.
    let wrapped = UnixMillis(0x1_0003 * MINUTE);
    assert_eq!(recall.frequency(access, wrapped), 4);
}
