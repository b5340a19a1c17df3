//! Figures as text: a report, a line, CSV or JSON.

use crate::figures::{Figures, Line};
use crate::load::Job;
use crate::options::Options;

pub const CSV_HEAD: &str = "\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\
\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\n";

/// What a report says besides figures.
pub struct Circumstances<'a> {
    pub title: &'a str,
    /// What one request carries: its payload, or all of it if it is the user's own.
    pub payload_bytes: usize,
    pub servers: &'a [Server],
    pub options: &'a Options,
    pub threads: usize,
}

/// A server and what it keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Server {
    pub name: String,
    /// `save` and `appendonly`, if it tells.
    pub keeps: Option<[String; 2]>,
}

impl<'a> Circumstances<'a> {
    pub fn is_multi_threaded(&self) -> bool {
        self.options.threads.is_some() || self.options.cluster
    }

    /// The requests of a job are as many as its pipelines have.
    pub fn of(job: &Job<'a>, title: &'a str, servers: &'a [Server], options: &'a Options) -> Self {
        let payload_bytes = match options.command.is_empty() {
            true => options.data_bytes,
            false => job.request_bytes(),
        };
        Circumstances {
            title,
            payload_bytes,
            servers,
            options,
            threads: job.threads,
        }
    }
}

/// The whole report.
pub fn full(about: &Circumstances<'_>, figures: &Figures) -> String {
    let mut text = format!("====== {} ======\n", about.title);
    let seconds = figures.elapsed.as_secs_f64();
    text += &format!(
        "  {} requests completed in {seconds:.2} seconds\n",
        figures.requests
    );
    text += &format!("  {} parallel clients\n", about.options.clients);
    text += &format!("  {} bytes payload\n", about.payload_bytes);
    text += &format!("  keep alive: {}\n", u8::from(about.options.keep_alive));
    push_servers(&mut text, about);
    match about.is_multi_threaded() {
        true => text += &format!("  multi-thread: yes\n  threads: {}\n", about.threads),
        false => text += "  multi-thread: no\n",
    }
    if let Some(rate) = about.options.rate {
        text += &format!("  rate: {rate} requests per second\n");
    }
    if figures.redirections > 0 {
        text += &format!("  redirections: {}\n", figures.redirections);
    }
    text += "\nLatency by percentile distribution:\n";
    push_lines(&mut text, &figures.percentiles());
    text += "\nCumulative distribution of latencies:\n";
    push_lines(&mut text, &figures.steps());
    text += "\nSummary:\n";
    text += &format!(
        "  throughput summary: {:.2} requests per second\n",
        figures.rate()
    );
    text += "  latency summary (msec):\n";
    push_row(&mut text, "avg,min,p50,p95,p99,max".split(','));
    let values = summary(figures).map(|value| format!("{value:.3}"));
    push_row(&mut text, values.iter().map(String::as_str));
    if about.options.cpu {
        push_cpu(&mut text, figures);
    }
    text
}

fn push_servers(text: &mut String, about: &Circumstances<'_>) {
    if !about.options.cluster {
        if let Some([save, appendonly]) = about.servers.first().and_then(|s| s.keeps.as_ref()) {
            *text += &format!("  host configuration \"save\": {save}\n");
            *text += &format!("  host configuration \"appendonly\": {appendonly}\n");
        }
        return;
    }
    *text += &format!("  cluster mode: yes ({} masters)\n", about.servers.len());
    for (index, server) in about.servers.iter().enumerate() {
        *text += &format!("  node [{index}] configuration:\n");
        if let Some([save, appendonly]) = &server.keeps {
            let save = if save.is_empty() { "NONE" } else { save };
            *text += &format!("    save: {save}\n    appendonly: {appendonly}\n");
        }
    }
}

fn push_lines(text: &mut String, lines: &[Line]) {
    for line in lines {
        let latency = line.latency as f64 / 1000.0;
        *text += &format!(
            "{:.3}% <= {latency:.3} milliseconds (cumulative count {})\n",
            line.percent, line.count
        );
    }
}

fn push_row<'a>(text: &mut String, cells: impl Iterator<Item = &'a str>) {
    let cells: Vec<String> = cells.map(|cell| format!("{cell:>9}")).collect();
    *text += &format!("    {}\n", cells.join(" "));
}

fn push_cpu(text: &mut String, figures: &Figures) {
    *text += "  cpu summary (usec per request):\n";
    push_row(text, ["client", "server"].into_iter());
    let server = figures
        .server_cpu
        .map_or("-".to_owned(), |cpu| format!("{cpu:.3}"));
    push_row(
        text,
        [format!("{:.3}", figures.client_cpu), server]
            .iter()
            .map(String::as_str),
    );
}

/// avg, min, p50, p95, p99, max.
fn summary(figures: &Figures) -> [f64; 6] {
    [
        figures.mean(),
        figures.min(),
        figures.percentile(50.0),
        figures.percentile(95.0),
        figures.percentile(99.0),
        figures.max(),
    ]
}

/// One line.
pub fn quiet(title: &str, figures: &Figures, cpu: bool) -> String {
    let (rate, middle) = (figures.rate(), figures.percentile(50.0));
    let mut text = format!("{title}: {rate:.2} requests per second, p50={middle:.3} msec");
    if cpu {
        text += &format!(", client cpu={:.3} usec", figures.client_cpu);
        if let Some(server) = figures.server_cpu {
            text += &format!(", server cpu={server:.3} usec");
        }
    }
    text + "\n"
}

pub fn csv(title: &str, figures: &Figures) -> String {
    let title = title.replace('"', "\"\"");
    let mut text = format!("\"{title}\",\"{:.2}\"", figures.rate());
    for value in summary(figures) {
        text += &format!(",\"{value:.3}\"");
    }
    text + "\n"
}

/// One object in one line, so that a run without an end can be read, too.
pub fn json(about: &Circumstances<'_>, figures: &Figures) -> String {
    let options = about.options;
    let servers: Vec<String> = about.servers.iter().map(|s| json_text(&s.name)).collect();
    let rate = options
        .rate
        .map_or("null".to_owned(), |rate| rate.to_string());
    let server_cpu = figures
        .server_cpu
        .map_or("null".to_owned(), |cpu| format!("{cpu:.3}"));
    format!(
        "{{\"test\":{},\"servers\":[{}],\"requests\":{},\"seconds\":{:.6},\"clients\":{},\
         \"threads\":{},\"pipeline\":{},\"payload_bytes\":{},\"keep_alive\":{},\"rate\":{rate},\
         \"requests_per_second\":{:.2},\"latency_ms\":{{{}}},\
         \"redirections\":{},\
         \"cpu_us_per_request\":{{\"client\":{:.3},\"server\":{server_cpu}}}}}\n",
        json_text(about.title),
        servers.join(","),
        figures.requests,
        figures.elapsed.as_secs_f64(),
        options.clients,
        about.threads,
        options.pipeline,
        about.payload_bytes,
        options.keep_alive,
        figures.rate(),
        json_latencies(figures),
        figures.redirections,
        figures.client_cpu,
    )
}

fn json_latencies(figures: &Figures) -> String {
    let mut text = format!("\"avg\":{:.3},\"min\":{:.3}", figures.mean(), figures.min());
    for (name, percent) in [
        ("p50", 50.0),
        ("p90", 90.0),
        ("p95", 95.0),
        ("p99", 99.0),
        ("p99.9", 99.9),
    ] {
        text += &format!(",\"{name}\":{:.3}", figures.percentile(percent));
    }
    text + &format!(",\"max\":{:.3}", figures.max())
}

pub fn json_text(text: &str) -> String {
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            letter if u32::from(letter) < 0x20 => {
                quoted += &format!("\\u{:04x}", u32::from(letter));
            }
            letter => quoted.push(letter),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests;
