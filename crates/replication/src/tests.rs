//! Both wires as transcripts: what happens, and under it what the machine wants done.
//!
//! A line that begins with `>` is an input; `UPDATE_EXPECT=1` rewrites what stands under it. Ids are
//! numbered as they appear. The words of the wire are those that Redis 7.0.15 was seen to send and
//! to take in either role.

mod carry;
mod failover;
mod follow;
mod garbage;
mod limits;
mod serve;
mod wait;

use expect_test::Expect;

use crate::{
    Born, FailoverRequest, Input, LinkId, Loaded, Machine, Output, PeerId, Primary, ReplicationId,
    Settings, SnapshotId, Span, View, WaitKind, frames,
};

/// A machine and what a shell would know.
struct Node {
    machine: Machine,
    view: View,
    link: LinkId,
    /// The ids seen so far, by their number.
    ids: Vec<String>,
    shown: String,
}

fn settings_of_tests() -> Settings {
    Settings::of(&config::Config::default(), 6379)
}

#[track_caller]
fn check(transcript: Expect) {
    check_with(settings_of_tests(), transcript);
}

#[track_caller]
fn check_with(settings: Settings, transcript: Expect) {
    check_born(settings, Born::default(), 0, transcript);
}

#[track_caller]
fn check_born(settings: Settings, born: Born, end: u64, transcript: Expect) {
    let mut node = Node::new(settings, born, end);
    for line in transcript.data().lines().map(str::trim_start) {
        if let Some(line) = line.strip_prefix("> ") {
            node.shown.push_str(&format!("> {line}\n"));
            node.play(line);
        } else if let Some(comment) = line.strip_prefix("# ") {
            node.shown.push_str(&format!("# {comment}\n"));
        }
    }
    transcript.assert_eq(&fold(&node.shown));
}

/// The lines, with those that come several times in a row counted.
fn fold(shown: &str) -> String {
    let lines: Vec<&str> = shown.lines().collect();
    let runs = lines.chunk_by(|one, next| one == next);
    let folded = runs.map(|run| match run.len() {
        1 => format!("{}\n", run[0]),
        times => format!("{} ({times} times)\n", run[0]),
    });
    folded.collect()
}

impl Node {
    fn new(settings: Settings, born: Born, end: u64) -> Node {
        let view = View {
            now_ms: 1_000_000,
            log: Span { start: end, end },
            holds_data: false,
        };
        let ids = born.id.iter().map(|id| id.to_string()).collect();
        let machine = Machine::new(settings, born, [1, 2], &view);
        let mut node = Node {
            machine,
            view,
            link: LinkId(0),
            ids,
            shown: String::new(),
        };
        let mut out = Vec::new();
        node.machine.start(&node.view, &mut out);
        node.show(out);
        node
    }

    fn step(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.machine.step(&self.view, input, &mut out);
        self.show(out);
    }

    fn show(&mut self, out: Vec<Output>) {
        for output in out {
            let line = match output {
                Output::Send { peer, bytes } => {
                    format!("{} <- \"{}\"", peer.0, bytes.escape_ascii())
                }
                Output::SendPrimary { bytes, .. } => {
                    format!("primary <- \"{}\"", bytes.escape_ascii())
                }
                Output::Log { level, line } => format!("{level:?}: {line}"),
                Output::Append { bytes } => {
                    self.view.log.end += bytes.len() as u64;
                    format!("append \"{}\"", bytes.escape_ascii())
                }
                Output::TakeSnapshot {
                    snapshot, target, ..
                } => {
                    let target = match target {
                        crate::Target::Sockets { mark } => {
                            format!("sockets, mark {}", mark.escape_ascii())
                        }
                        crate::Target::WithLog => "sockets, with the log".to_owned(),
                        crate::Target::File => "file".to_owned(),
                    };
                    format!("take snapshot {} to {target}", snapshot.0)
                }
                Output::Connect { link, primary } => {
                    self.link = link;
                    format!("connect to {}:{}", primary.host, primary.port)
                }
                Output::Adopt { offset, .. } => {
                    self.view.log = Span {
                        start: offset,
                        end: offset,
                    };
                    format!("adopt at {offset}")
                }
                other => format!("{other:?}"),
            };
            let line = self.number_ids(line);
            self.shown.push_str(&format!("  {line}\n"));
        }
    }

    /// Names ids by the order in which they appear.
    fn number_ids(&mut self, mut line: String) -> String {
        let is_hex = |text: &str| {
            let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
            text.bytes().all(is_digit)
        };
        let mut at = 0;
        while let Some(word) = line.get(at..at + 40) {
            if is_hex(word) && word != ReplicationId::NONE.as_str() {
                let known = self.ids.iter().position(|id| id == word);
                let index = known.unwrap_or_else(|| {
                    self.ids.push(word.to_owned());
                    self.ids.len() - 1
                });
                line.replace_range(at..at + 40, &format!("<{index}>"));
            }
            at += 1;
        }
        line
    }

    fn play(&mut self, line: &str) {
        let mut line = line.replace("<x>", &"x".repeat(40));
        for (index, id) in self.ids.iter().enumerate() {
            line = line.replace(&format!("<{index}>"), id);
        }
        let words = line.split(' ').collect::<Vec<_>>();
        let number = |index: usize| words[index].parse::<u64>().expect("a number stands here");
        let link = self.link;
        match words[0] {
            "wait" => {
                let until = number(1);
                self.pass(until);
            }
            "follows" => self.play_unseen(&[
                "REPLICAOF 127.0.0.1 7000",
                "connected",
                &format!(
                    "primary +PONG\\r\\n+OK\\r\\n+OK\\r\\n+FULLRESYNC {} {}\\r\\n$3\\r\\nabc",
                    "b".repeat(40),
                    number(1)
                ),
                "inspected full",
                "loaded",
            ]),
            "ping-period" => {
                let mut settings = self.machine.settings().clone();
                settings.ping_period_ms = number(1);
                self.step(Input::Configured(settings));
            }
            "write" => self.view.log.end += number(1),
            "forget" => self.view.log.start = number(1),
            "data" => self.view.holds_data = words[1] == "yes",
            "taken" => self.step(Input::SnapshotTaken {
                snapshot: SnapshotId(number(1)),
                offset: self.view.log.end,
            }),
            "written" => self.step(Input::SnapshotWritten {
                snapshot: SnapshotId(number(1)),
                len: number(2),
            }),
            "failed" => self.step(Input::SnapshotFailed {
                snapshot: SnapshotId(number(1)),
            }),
            "WAIT" | "HOLD" => self.step(Input::Wait {
                client: PeerId(90),
                kind: if words[0] == "WAIT" {
                    WaitKind::Wait
                } else {
                    WaitKind::Write
                },
                offset: self.view.log.end,
                replicas: number(1) as u32,
                timeout_ms: Some(number(2)).filter(|timeout_ms| *timeout_ms > 0),
            }),
            "REPLICAOF" => {
                let primary = (words[1] != "NO").then(|| Primary {
                    host: words[1].to_owned(),
                    port: number(2) as u16,
                });
                let by = "id=5";
                self.step(Input::ReplicaOf { primary, by });
            }
            "FAILOVER" => {
                let rest = words[1..]
                    .iter()
                    .map(|word| word.as_bytes())
                    .collect::<Vec<_>>();
                match FailoverRequest::parse(&rest) {
                    Ok(request) => {
                        let client = PeerId(90);
                        self.step(Input::Failover { client, request });
                    }
                    Err(error) => self.shown.push_str(&format!("  error: {error}\n")),
                }
            }
            "connected" => self.step(Input::Connected { link }),
            "lost" => self.step(Input::LinkLost {
                link,
                why: "Connection reset by peer",
            }),
            "applied" => {
                self.view.log.end += number(1);
                self.step(Input::Applied {
                    link,
                    ack_asked: None,
                });
            }
            "getack" => {
                let asked = self.view.log.end;
                self.view.log.end += 37;
                self.step(Input::Applied {
                    link,
                    ack_asked: Some(asked),
                });
            }
            "corrupt" => self.step(Input::Corrupt {
                link,
                what: "expected '*'",
            }),
            "inspected" => self.step(Input::Inspected {
                link,
                is_empty: words[1] == "empty",
            }),
            "loaded" => self.step(Input::Loaded {
                link,
                result: Loaded::Whole,
            }),
            "torn" => self.step(Input::Loaded {
                link,
                result: Loaded::Failed("wrong checksum"),
            }),
            "INFO" => {
                let info = self.machine.info(&self.view);
                for line in info.lines() {
                    let line = self.number_ids(line.to_owned());
                    self.shown.push_str(&format!("  {line}\n"));
                }
            }
            "ROLE" => {
                let reply = self.machine.role_reply(&self.view);
                self.shown
                    .push_str(&format!("  {}\n", reply.escape_ascii()));
            }
            "primary" => {
                let bytes = unescape(&line["primary ".len()..]);
                self.step(Input::FromPrimary {
                    link,
                    bytes: &bytes,
                });
            }
            "frame" => {
                let (kind, text) = match words[1] {
                    "snapshot" => (frames::Kind::Snapshot, words[3]),
                    "log" => (frames::Kind::Log, words[3]),
                    "end" => (frames::Kind::End, ""),
                    other => panic!("no frame is called {other}"),
                };
                let text = unescape(text);
                let bytes = [&frames::head(kind, text.len(), number(2)), &text[..]].concat();
                self.step(Input::FromPrimary {
                    link,
                    bytes: &bytes,
                });
            }
            _ => self.play_peer(&words),
        }
    }

    /// Plays what other transcripts show, without showing it.
    fn play_unseen(&mut self, lines: &[&str]) {
        let len = self.shown.len();
        lines.iter().for_each(|line| self.play(line));
        self.shown.truncate(len);
    }

    /// A replica comes, and is sent snapshot `snapshot` through a file.
    fn join(&mut self, peer: &str, snapshot: &str) {
        self.play_unseen(&[
            &format!("{peer} REPLCONF listening-port 7001"),
            &format!("{peer} PSYNC ? -1"),
            &format!("taken {snapshot}"),
            &format!("written {snapshot} 10"),
            &format!("{peer} has-snapshot"),
        ]);
    }

    /// Lets time pass, as a shell does: from deadline to deadline.
    fn pass(&mut self, ms: u64) {
        let until = self.view.now_ms + ms;
        while self.machine.next_deadline() <= until {
            self.view.now_ms = self.machine.next_deadline().max(self.view.now_ms);
            self.step(Input::Tick);
        }
        self.view.now_ms = until;
    }

    fn play_peer(&mut self, words: &[&str]) {
        if words[1] == "joins" {
            return self.join(words[0], words[2]);
        }
        let peer = PeerId(
            words[0]
                .parse()
                .expect("the line begins with a session's number"),
        );
        let rest = words[2..].iter().map(|word| match *word {
            "''" => &b""[..],
            word => word.as_bytes(),
        });
        let rest = rest.collect::<Vec<_>>();
        let (address, owes_replies) = ("10.0.0.7:40000", false);
        let number = || words[2].parse().expect("a number stands here");
        self.step(match words[1] {
            "REPLCONF" => Input::Replconf { peer, words: &rest },
            "PSYNC" => Input::Psync {
                peer,
                words: &rest,
                address,
                owes_replies,
            },
            "SYNC" => Input::Sync {
                peer,
                address,
                owes_replies,
            },
            "newline" => Input::Newline { peer },
            "sent" => Input::Sent {
                peer,
                offset: number(),
            },
            "has-snapshot" => Input::SnapshotSent { peer },
            "gone" => Input::Gone { peer },
            other => panic!("no input is called {other}"),
        });
    }
}

/// `\r`, `\n` and `\0` as bytes.
fn unescape(text: &str) -> Vec<u8> {
    text.replace("\\r", "\r")
        .replace("\\n", "\n")
        .replace("\\0", "\0")
        .into_bytes()
}
