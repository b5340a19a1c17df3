//! What a person who knows would say about the latencies seen.

use std::collections::BTreeMap;

use engine::latency::Event;

/// The report on all events; `threshold` is the latency from which they are noted, in milliseconds.
pub(super) fn report(events: &BTreeMap<String, Event>, threshold: u64) -> String {
    if threshold == 0 && events.is_empty() {
        return "The latency monitor is off. CONFIG SET latency-monitor-threshold <milliseconds> \
                turns it on: it then notes every event that takes at least that long.\n"
            .to_owned();
    }
    if events.is_empty() {
        return format!("Nothing has taken {threshold} milliseconds or longer so far.\n");
    }
    let mut text = "These kinds of events took long:\n\n".to_owned();
    for (number, (name, event)) in events.iter().enumerate() {
        let figures = Figures::of(event);
        text += &format!(
            "{}. {name}: {} seconds with a spike, average {} ms, mean deviation {} ms, one every \
             {:.2} s. Longest ever: {} ms.\n",
            number + 1,
            event.samples.len(),
            figures.average_ms,
            figures.deviation_ms,
            figures.period_seconds,
            event.max_ms,
        );
    }
    text += "\nWhat may help:\n\n";
    for (_, advice) in ADVICE.iter().filter(|(name, _)| events.contains_key(*name)) {
        text += &format!("- {advice}\n");
    }
    text
}

const ADVICE: &[(&str, &str)] = &[
    (
        "command",
        "SLOWLOG GET names the commands that took long. One over many keys or elements is better \
         cut in parts: SCAN for KEYS, ranges for whole collections.",
    ),
    (
        "fast-command",
        "Commands that are always quick had to wait: for a lock that a long command held, or for \
         a processor that others use. Compare the load of the machine.",
    ),
    (
        "expire-cycle",
        "Many keys expire at the same moment. Spread their times to live a little.",
    ),
];

/// An event's samples in three numbers.
struct Figures {
    average_ms: u64,
    /// How far from the average a sample is, on average.
    deviation_ms: u64,
    /// Seconds from one sample to the next, on average.
    period_seconds: f64,
}

impl Figures {
    fn of(event: &Event) -> Figures {
        let count = event.samples.len().max(1) as u64;
        let latencies = || event.samples.iter().map(|(_, ms)| *ms);
        let average_ms = latencies().sum::<u64>() / count;
        let deviations = latencies().map(|ms| ms.abs_diff(average_ms));
        let (first, last) = (event.samples.front(), event.samples.back());
        let span = match (first, last) {
            (Some((first, _)), Some((last, _))) => last - first,
            _ => 0,
        };
        Figures {
            average_ms,
            deviation_ms: deviations.sum::<u64>() / count,
            period_seconds: span as f64 / count as f64,
        }
    }
}
