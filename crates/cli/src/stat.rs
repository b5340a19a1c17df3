//! `--stat`: a line of figures about the server, over and over.

use std::process::ExitCode;
use std::time::Duration;

use resp::value::Value;

use crate::info::Info;
use crate::program::fail;
use crate::session::Session;

const LINES_PER_HEADER: usize = 20;

const HEADER: &str = "\
------- data ------ --------------------- load -------------------- - child -
keys       mem      clients blocked requests            connections          
";

pub async fn run(session: &mut Session) -> ExitCode {
    let interval = session.options.interval.unwrap_or(Duration::from_secs(1));
    if let Err(error) = session.connect().await {
        return fail(&error.to_string());
    }
    let mut requests = None;
    for line in 0.. {
        let info = match session.ask(&["INFO"]).await {
            Ok(Value::Error(text)) => {
                return fail(&format!("ERROR: {}", String::from_utf8_lossy(&text)));
            }
            Ok(Value::Bulk(text) | Value::Verbatim(_, text)) => Info::new(&text),
            Ok(_) => return fail("ERROR: INFO is no text"),
            Err(_) => {
                crate::latency::reconnect(session).await;
                continue;
            }
        };
        if line % LINES_PER_HEADER == 0 {
            session.emit(HEADER.as_bytes());
        }
        session.emit(figures(&info, &mut requests).as_bytes());
        tokio::time::sleep(interval).await;
    }
    ExitCode::SUCCESS
}

/// A line. `before` is how many requests there were in the one before.
fn figures(info: &Info, before: &mut Option<u64>) -> String {
    let requests = info.number("total_commands_processed");
    let added = requests.saturating_sub(before.replace(requests).unwrap_or(requests));
    let keys = info.keys();
    let memory = human(info.number("used_memory"));
    let clients = info.number("connected_clients");
    let blocked = info.number("blocked_clients");
    let requests = format!("{requests} (+{added})");
    let connections = info.number("total_connections_received");
    let is = |name| info.number(name) != 0;
    let child = match (is("rdb_bgsave_in_progress"), is("aof_rewrite_in_progress")) {
        (true, true) => "SAVE+AOF",
        (true, false) => "SAVE",
        (false, true) => "AOF",
        (false, false) if is("loading") => "LOAD",
        (false, false) => "",
    };
    format!(
        "{keys:<11}{memory:<8} {clients:<8}{blocked:<8}{requests:<19} {connections:<12}{child}\n"
    )
}

/// `1003B`, `4.03K`, `2.32G`.
pub fn human(bytes: u64) -> String {
    let units = ["K", "M", "G", "T", "P"];
    if bytes < 1024 {
        return format!("{bytes}B");
    }
    let mut size = bytes as f64 / 1024.0;
    let mut unit = 0;
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    format!("{size:.2}{}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_stand_in_columns() {
        let text =
            b"# A\r\ndb0:keys=10,expires=0\r\ndb3:keys=2,expires=0\r\nused_memory:2254438\r\n\
connected_clients:1\r\ntotal_commands_processed:3058498\r\ntotal_connections_received:144\r\n\
rdb_bgsave_in_progress:1\r\n";
        let mut before = None;
        let line = figures(&Info::new(text), &mut before);
        let expected = "12         2.15M    1       0       3058498 (+0)        144         SAVE\n";
        assert_eq!(line, expected);
        assert_eq!(before, Some(3_058_498));
    }

    #[test]
    fn sizes_are_short() {
        let sizes = [1003, 4127, 104_857_600, 2_491_081_031, 3_309_505_790_000];
        let texts = sizes.map(human);
        assert_eq!(texts, ["1003B", "4.03K", "100.00M", "2.32G", "3.01T"]);
    }
}
