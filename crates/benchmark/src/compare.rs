//! Two servers in turns.
//!
//! Figures of one machine drift while it runs: what is compared is measured in turns, each round
//! beginning with the other server, and the medians are what is shown.

use client::Address;

use crate::figures::Figures;
use crate::options::{Format, Options};
use crate::program::{Bench, emit};
use crate::report::json_text;
use crate::site::Site;
use crate::suite::Test;

/// A figure: its name, the name that programs read, and how it is had.
struct Row {
    name: &'static str,
    field: &'static str,
    value: fn(&Figures) -> Option<f64>,
}

const ROWS: &[Row] = &[
    Row {
        name: "requests per second",
        field: "requests_per_second",
        value: |figures| Some(figures.rate()),
    },
    Row {
        name: "average (msec)",
        field: "avg_ms",
        value: |figures| Some(figures.mean()),
    },
    Row {
        name: "p50 (msec)",
        field: "p50_ms",
        value: |figures| Some(figures.percentile(50.0)),
    },
    Row {
        name: "p99 (msec)",
        field: "p99_ms",
        value: |figures| Some(figures.percentile(99.0)),
    },
    Row {
        name: "max (msec)",
        field: "max_ms",
        value: |figures| Some(figures.max()),
    },
    Row {
        name: "server cpu (usec per request)",
        field: "server_cpu_us",
        value: |figures| figures.server_cpu,
    },
    Row {
        name: "client cpu (usec per request)",
        field: "client_cpu_us",
        value: |figures| Some(figures.client_cpu),
    },
];

/// The medians of a figure for both servers.
struct Pair {
    row: &'static Row,
    values: [Option<f64>; 2],
}

pub fn run(options: &Options, addresses: &[Address; 2], tests: &[Test]) -> Result<(), String> {
    let mut sites = [
        Site::of_server(options, &addresses[0])?,
        Site::of_server(options, &addresses[1])?,
    ];
    let names = addresses.each_ref().map(Address::to_string);
    if options.format == Format::Csv {
        let [one, other] = &names;
        emit(format!("\"test\",\"figure\",\"{one}\",\"{other}\",\"ratio\"\n").as_bytes());
    }
    let bench = Bench::new(options);
    for test in tests {
        let mut rounds: [Vec<Figures>; 2] = [Vec::new(), Vec::new()];
        for round in 0..options.rounds {
            for turn in 0..2 {
                let server = (round + turn) % 2;
                let figures = bench.run(test, &mut sites[server]);
                rounds[server].push(figures.map_err(|failure| failure.to_string())?);
            }
        }
        let pairs = pairs(&rounds);
        let text = match options.format {
            Format::Report => table(&test.title, &names, options.rounds, &pairs),
            Format::Quiet => quiet(&test.title, &pairs),
            Format::Csv => csv(&test.title, &pairs),
            Format::Json => json(&test.title, &names, options.rounds, &pairs),
        };
        emit(text.as_bytes());
    }
    Ok(())
}

fn pairs(rounds: &[Vec<Figures>; 2]) -> Vec<Pair> {
    let pair = |row: &'static Row| Pair {
        row,
        values: rounds
            .each_ref()
            .map(|figures| median(figures.iter().map(row.value).collect())),
    };
    ROWS.iter().map(pair).collect()
}

/// None if one is missing.
fn median(values: Vec<Option<f64>>) -> Option<f64> {
    let mut values = values.into_iter().collect::<Option<Vec<f64>>>()?;
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() % 2 {
        1 => Some(values[middle]),
        _ => Some((values.get(middle)? + values.get(middle.checked_sub(1)?)?) / 2.0),
    }
}

impl Pair {
    /// The second server's figure, in terms of the first's.
    fn ratio(&self) -> Option<f64> {
        let [one, other] = self.values;
        let ratio = other? / one?;
        ratio.is_finite().then_some(ratio)
    }

    fn texts(&self, missing: &str) -> [String; 3] {
        let [one, other] = self.values;
        [one, other, self.ratio()].map(|value| match value {
            Some(value) => format!("{value:.3}"),
            None => missing.to_owned(),
        })
    }
}

fn table(title: &str, names: &[String; 2], rounds: usize, pairs: &[Pair]) -> String {
    let width = names.iter().map(String::len).max().unwrap_or(0).max(12);
    let mut text = format!("====== {title} ======\n  medians of {rounds} rounds in turns\n");
    let mut push = |name: &str, cells: [&str; 3]| {
        let [one, other, ratio] = cells;
        text += &format!("  {name:<30} {one:>width$} {other:>width$} {ratio:>9}\n");
    };
    push("", [&names[0], &names[1], "ratio"]);
    for pair in pairs {
        let [one, other, ratio] = pair.texts("-");
        push(pair.row.name, [&one, &other, &ratio]);
    }
    text + "\n"
}

fn quiet(title: &str, pairs: &[Pair]) -> String {
    let ratio = |field: &str| {
        let pair = pairs.iter().find(|pair| pair.row.field == field);
        let ratio = pair.and_then(Pair::ratio);
        ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}"))
    };
    format!(
        "{title}: requests per second x {}, p50 x {}, p99 x {}, server cpu x {}\n",
        ratio("requests_per_second"),
        ratio("p50_ms"),
        ratio("p99_ms"),
        ratio("server_cpu_us")
    )
}

fn csv(title: &str, pairs: &[Pair]) -> String {
    let title = title.replace('"', "\"\"");
    let rows = pairs.iter().map(|pair| {
        let [one, other, ratio] = pair.texts("");
        let field = pair.row.field;
        format!("\"{title}\",\"{field}\",\"{one}\",\"{other}\",\"{ratio}\"\n")
    });
    rows.collect()
}

fn json(title: &str, names: &[String; 2], rounds: usize, pairs: &[Pair]) -> String {
    let figures: Vec<String> = pairs
        .iter()
        .map(|pair| {
            let [one, other, ratio] = pair.texts("null");
            format!(
                "\"{}\":{{\"values\":[{one},{other}],\"ratio\":{ratio}}}",
                pair.row.field
            )
        })
        .collect();
    let names = names.each_ref().map(|name| json_text(name)).join(",");
    let title = json_text(title);
    let figures = figures.join(",");
    format!("{{\"test\":{title},\"servers\":[{names}],\"rounds\":{rounds},{figures}}}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::tests::figures;
    use expect_test::expect;

    fn sample() -> Vec<Pair> {
        let mut other = figures(3, &[100, 200]);
        other.server_cpu = None;
        pairs(&[vec![figures(3, &[100, 100])], vec![other]])
    }

    #[test]
    fn medians_want_every_value() {
        assert_eq!(median(vec![Some(3.0), Some(1.0), Some(2.0)]), Some(2.0));
        assert_eq!(median(vec![Some(3.0), Some(1.0)]), Some(2.0));
        assert_eq!(median(vec![Some(3.0), None]), None);
        assert_eq!(median(vec![]), None);
    }

    #[test]
    fn a_table_has_both_and_their_ratio() {
        let names = ["a:1".to_owned(), "b:2".to_owned()];
        expect![[r#"
            ====== SET ======
              medians of 5 rounds in turns
                                                      a:1          b:2     ratio
              requests per second                   4.000        4.000     1.000
              average (msec)                        0.100        0.152     1.520
              p50 (msec)                            0.103        0.103     1.000
              p99 (msec)                            0.103        0.207     2.010
              max (msec)                            0.103        0.207     2.010
              server cpu (usec per request)         6.250            -         -
              client cpu (usec per request)         5.000        5.000     1.000

        "#]]
        .assert_eq(&table("SET", &names, 5, &sample()));
    }

    #[test]
    fn programs_read_the_same() {
        let names = ["a:1".to_owned(), "b:2".to_owned()];
        let text = json("say \"x\"", &names, 1, &sample());
        assert!(text.starts_with(r#"{"test":"say \"x\"","servers":["a:1","b:2"],"rounds":1,"#));
        assert!(text.contains(r#""server_cpu_us":{"values":[6.250,null],"ratio":null}"#));
        assert!(
            csv("SET", &sample()).contains("\"SET\",\"max_ms\",\"0.103\",\"0.207\",\"2.010\"\n")
        );
        assert!(quiet("SET", &sample()).starts_with("SET: requests per second x 1.000, p50 x"));
    }
}
