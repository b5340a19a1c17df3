//! What all masters of a Sentinel share: who it is, how it counts time, its links and its voice.

use core::net::IpAddr;
use std::collections::BTreeMap;

use stdx::prng::Prng;

use crate::address::{Address, is_host};
use crate::input::View;
use crate::link::{Asked, LinkId, Links};
use crate::output::{Level, Output, Way};
use crate::script::Scripts;
use crate::settings::Settings;

/// No epoch is larger: a peer that says so wants to use them up.
pub(crate) const EPOCH_MAX: u64 = 1 << 62;

/// Requests without a reply on one link, for each of its users.
const PENDING_MAX: usize = 100;

/// Names that are remembered with their addresses.
const NAMES_MAX: usize = 10_000;

/// How long things take, in milliseconds. `SENTINEL DEBUG` can change each.
#[derive(Clone, Debug)]
pub(crate) struct Periods {
    pub info_ms: u64,
    pub ping_ms: u64,
    pub ask_ms: u64,
    pub publish_ms: u64,
    pub down_after_ms: u64,
    pub failover_timeout_ms: u64,
    pub tilt_trigger_ms: u64,
    pub tilt_ms: u64,
    pub reconfigure_ms: u64,
    pub reconnect_ms: u64,
    pub election_ms: u64,
    pub script_runtime_ms: u64,
    pub script_retry_ms: u64,
}

impl Default for Periods {
    fn default() -> Periods {
        Periods {
            info_ms: 10_000,
            ping_ms: 1_000,
            ask_ms: 1_000,
            publish_ms: 2_000,
            down_after_ms: 30_000,
            failover_timeout_ms: 180_000,
            tilt_trigger_ms: 2_000,
            tilt_ms: 30_000,
            reconfigure_ms: 10_000,
            reconnect_ms: 15_000,
            election_ms: 10_000,
            script_runtime_ms: 60_000,
            script_retry_ms: 30_000,
        }
    }
}

/// What `SENTINEL CONFIG` can change.
#[derive(Clone, Debug, Default)]
pub(crate) struct Options {
    pub announce_ip: String,
    pub announce_port: u16,
    pub resolve_hostnames: bool,
    pub announce_hostnames: bool,
    pub user: Vec<u8>,
    pub password: Vec<u8>,
}

/// Crashes that an operator has asked for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Failures {
    pub after_election: bool,
    pub after_promotion: bool,
}

#[derive(Debug)]
pub(crate) struct Core {
    pub settings: Settings,
    pub id: String,
    pub epoch: u64,
    pub periods: Periods,
    pub options: Options,
    pub denies_scripts: bool,
    pub links: Links,
    pub names: BTreeMap<String, IpAddr>,
    pub scripts: Scripts,
    pub failures: Failures,
    /// Since when the clock is not trusted.
    pub tilt_since_ms: Option<u64>,
    /// What the clocks said at the last step.
    pub last: Option<View>,
    pub prng: Prng,
    pub masters_made: u64,
    pub now_ms: u64,
    pub wall_ms: i64,
    /// What is to be done, of the step that is under way.
    pub out: Vec<Output>,
    #[cfg(any(test, feature = "flaws"))]
    pub flaw: Option<crate::flaw::Flaw>,
}

impl Core {
    pub fn new(settings: Settings, seed: u64, view: &View) -> Core {
        let mut prng = Prng::new(seed);
        let mut id = [0; 20];
        prng.fill(&mut id);
        Core {
            settings,
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            epoch: 0,
            periods: Periods::default(),
            options: Options::default(),
            denies_scripts: true,
            links: Links::default(),
            names: BTreeMap::new(),
            scripts: Scripts::default(),
            failures: Failures::default(),
            tilt_since_ms: None,
            last: None,
            prng,
            masters_made: 0,
            now_ms: view.now_ms,
            wall_ms: view.wall_ms,
            out: Vec::new(),
            #[cfg(any(test, feature = "flaws"))]
            flaw: None,
        }
    }

    /// How long ago something was.
    pub fn since_ms(&self, at_ms: u64) -> u64 {
        self.now_ms.saturating_sub(at_ms)
    }

    pub fn log(&mut self, level: Level, line: impl Into<String>) {
        let line = line.into();
        self.out.push(Output::Log { level, line });
    }

    /// Says something on a channel and in the log. What is for debugging, only in the log.
    pub fn event(&mut self, level: Level, channel: &str, text: impl Into<String>) {
        let text = text.into();
        self.log(level, format!("{channel} {text}"));
        if level != Level::Debug {
            let channel = channel.to_owned();
            self.out.push(Output::Publish { channel, text });
        }
    }

    /// What is saved is how things stand at the end of the step, so once is enough.
    pub fn save(&mut self) {
        if !self.out.contains(&Output::Save) {
            self.out.push(Output::Save);
        }
    }

    /// The address of what a configuration, a client or a peer has named.
    pub fn address(&self, host: &str, port: u16) -> Option<Address> {
        let ip = match host.parse::<IpAddr>() {
            Ok(ip) => Some(ip),
            Err(_) if !self.options.resolve_hostnames || !is_host(host) => return None,
            Err(_) => self.names.get(host).copied(),
        };
        let host = host.to_owned();
        Some(Address { host, ip, port })
    }

    pub fn learn_name(&mut self, host: &str, ip: IpAddr) {
        if self.names.len() >= NAMES_MAX && !self.names.contains_key(host) {
            self.names.pop_first();
        }
        self.names.insert(host.to_owned(), ip);
    }

    pub fn announced(&self, address: &Address) -> String {
        address.announced(self.options.announce_hostnames)
    }

    /// An epoch that somebody else counts already. It is kept before anybody is answered.
    pub fn see_epoch(&mut self, epoch: u64) -> bool {
        let is_newer = epoch > self.epoch;
        if is_newer {
            self.epoch = epoch;
            self.save();
        }
        is_newer
    }

    /// Sends a request, if the link has a connection for it.
    pub fn send(&mut self, link: LinkId, words: Vec<Vec<u8>>, asked: Asked) -> bool {
        let Some(command) = &mut self.links.get_mut(link).command else {
            return false;
        };
        command.asked.push_back(asked);
        let connection = command.id;
        self.out.push(Output::Send { connection, words });
        true
    }

    pub fn is_overloaded(&self, link: LinkId) -> bool {
        let link = self.links.get(link);
        link.pending() >= PENDING_MAX * link.uses as usize
    }

    pub fn close(&mut self, link: LinkId, way: Way) {
        if let Some(connection) = self.links.drop(link, way) {
            self.out.push(Output::Close { connection });
        }
    }

    pub fn release(&mut self, link: LinkId) {
        let closed = self.links.release(link);
        let closed = closed
            .into_iter()
            .map(|connection| Output::Close { connection });
        self.out.extend(closed);
    }

    /// A little pause, so that Sentinels do not all begin at once. Their turns (`failover.rs`) are
    /// longer, or it would mix them up.
    pub fn draw_pause_ms(&mut self) -> u64 {
        self.prng.below(100)
    }

    /// When the log says that something will not be before.
    pub fn calendar(&self, in_ms: u64) -> String {
        let wall_ms = self
            .wall_ms
            .saturating_add(i64::try_from(in_ms).unwrap_or(i64::MAX));
        calendar(wall_ms.div_euclid(1_000))
    }
}

/// `Sat Nov 21 09:09:45 2026`, in UTC.
fn calendar(seconds: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    // Beyond these years nobody reads a log.
    let days = seconds.div_euclid(86_400).clamp(-719_000, 2_900_000);
    let second = seconds.rem_euclid(86_400);
    let (mut year, mut day) = (1970, days);
    let days_of = |year: i64| {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        365 + i64::from(is_leap)
    };
    // Whole cycles of 400 years first, which have 146,097 days.
    year += 400 * day.div_euclid(146_097);
    day = day.rem_euclid(146_097);
    while day >= days_of(year) {
        day -= days_of(year);
        year += 1;
    }
    let february = days_of(year) - 337;
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    format!(
        "{} {} {:2} {:02}:{:02}:{:02} {year}",
        DAYS[days.rem_euclid(7) as usize],
        MONTHS[month],
        day + 1,
        second / 3600,
        second / 60 % 60,
        second % 60
    )
}

#[cfg(test)]
mod tests {
    use super::calendar;

    #[test]
    fn days_have_their_names() {
        assert_eq!(calendar(0), "Thu Jan  1 00:00:00 1970");
        assert_eq!(calendar(1_795_252_185), "Sat Nov 21 09:09:45 2026");
        assert_eq!(calendar(951_782_399), "Mon Feb 28 23:59:59 2000");
        assert_eq!(calendar(951_782_400), "Tue Feb 29 00:00:00 2000");
        assert_eq!(calendar(4_107_542_399), "Sun Feb 28 23:59:59 2100");
        assert_eq!(calendar(-1), "Wed Dec 31 23:59:59 1969");
    }
}
