//! Replication in the virtual world: the real machine, and links whose other ends a test holds.
//!
//! A replica is a client that says `PSYNC`: what it is sent comes as any message. The primary is
//! whatever a test tells the machine of a link.

use engine::Engine;
use engine::clients::ClientId;
use engine::log::Reader;
use engine::pause::Holder;
use engine::snapshot::{Form, Snapshot};
use parking_lot::Mutex;
use replication::frames::{self, Kind};
use replication::{
    Born, Input, LinkState, Machine, Outcome, Output, PeerId, Settings, SnapshotId, Target, View,
};

/// Bytes of a snapshot that are written at once.
const STEP_BYTES: usize = 1000;

#[derive(Default)]
pub(crate) struct Peers(Mutex<State>);

#[derive(Default)]
struct State {
    machine: Option<Machine>,
    /// Where replicas are in the log, and whether they are fed.
    feeds: Vec<(PeerId, Reader, bool)>,
    /// A snapshot that was asked for, and those it is for.
    wanted: Option<(SnapshotId, Target)>,
    snapshot: Vec<u8>,
    /// Those who were sent it.
    copied: Vec<PeerId>,
    sent: Vec<u8>,
}

impl State {
    fn machine(&mut self, engine: &Engine, view: &View) -> &mut Machine {
        let settings = Settings::of(&engine.config.load(), engine.host.process().tcp_port);
        let new = || Machine::new(settings, Born::default(), [1, 2], view);
        self.machine.get_or_insert_with(new)
    }
}

fn view(engine: &Engine) -> View {
    View {
        now_ms: engine.host.monotonic_nanos() / 1_000_000,
        log: engine.log.span(),
        holds_data: engine.stats.totals().dirty > 0,
    }
}

impl Peers {
    pub fn look(&self, _: &crate::World, engine: &Engine, look: &mut dyn FnMut(&Machine, &View)) {
        let (mut state, view) = (self.0.lock(), view(engine));
        look(state.machine(engine, &view), &view);
    }

    pub fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut self.0.lock().sent)
    }

    /// Steps the machine, and performs what it says.
    pub fn replicate(
        &self,
        world: &crate::World,
        engine: &Engine,
        input: Input<'_>,
        out: &mut Vec<u8>,
    ) {
        let speaker = match &input {
            Input::Replconf { peer, .. } | Input::Psync { peer, .. } => Some(*peer),
            Input::Sync { peer, .. } => Some(*peer),
            Input::Failover { client, .. } => Some(*client),
            _ => None,
        };
        let mut state = self.0.lock();
        // Whatever the configuration says by now.
        let settings = Settings::of(&engine.config.load(), engine.host.process().tcp_port);
        let (mut outputs, now) = (Vec::new(), view(engine));
        let machine = state.machine(engine, &now);
        if *machine.settings() != settings {
            machine.step(&now, Input::Configured(settings), &mut outputs);
        }
        machine.step(&now, input, &mut outputs);
        let link = machine.link_state();
        for output in outputs {
            match output {
                Output::Send { peer, bytes } if speaker == Some(peer) => out.extend(bytes),
                output => state.perform(world, engine, output),
            }
        }
        engine.note_link(link == Some(LinkState::Connected));
    }

    /// Makes the snapshot that was asked for, and feeds replicas.
    pub fn work(&self, world: &crate::World, engine: &Engine) {
        let wanted = self.0.lock().wanted.take();
        if let Some((snapshot, target)) = wanted {
            let taken = engine.begin_snapshot(Form::Rdb, &[], |_| engine.log.say_db_again());
            let offset = engine.log.offset();
            let mut bytes = Vec::new();
            if let Some(mut taken) = taken {
                write_all(&mut taken, engine, &mut bytes);
            }
            match target {
                Target::Sockets { mark } => bytes.extend(mark),
                Target::WithLog => {
                    let head = frames::head(Kind::Snapshot, bytes.len(), 0);
                    bytes.splice(..0, head);
                    bytes.extend(frames::head(Kind::End, 0, offset));
                }
                Target::File => {}
            }
            self.0.lock().snapshot = bytes;
            world.tell(engine, Input::SnapshotTaken { snapshot, offset });
            let copied = std::mem::take(&mut self.0.lock().copied);
            for peer in copied {
                world.tell(engine, Input::SnapshotSent { peer });
            }
            world.tell(engine, Input::SnapshotDone { snapshot });
        }
        let state = &mut *self.0.lock();
        for (peer, reader, is_fed) in &state.feeds {
            let mut bytes = Vec::new();
            if *is_fed && engine.log.read(reader, &mut bytes) > 0 {
                send(engine, *peer, &bytes);
            }
        }
    }
}

fn write_all(snapshot: &mut Snapshot, engine: &Engine, into: &mut Vec<u8>) {
    while snapshot.step(engine, STEP_BYTES, into) {}
}

fn send(engine: &Engine, peer: PeerId, bytes: &[u8]) {
    if let Some(client) = engine.clients.get(ClientId(peer.0)) {
        client.send(bytes);
    }
}

impl State {
    fn perform(&mut self, world: &crate::World, engine: &Engine, output: Output) {
        let client = |peer: PeerId| engine.clients.get(ClientId(peer.0));
        match output {
            Output::Send { peer, bytes } => send(engine, peer, &bytes),
            Output::Drop { peer } => {
                if let Some(client) = client(peer) {
                    engine.kill(&client);
                }
                self.end_feed(engine, peer);
            }
            Output::Enlist { peer } => {
                if let Some(client) = client(peer) {
                    engine.enlist(&client);
                }
            }
            Output::Hold { peer, from } => {
                let reader = engine.log.hold(from);
                let reader = reader.expect("the machine asks for what the log has");
                self.feeds.push((peer, reader, false));
            }
            Output::Feed { peer } => {
                let feeds = self.feeds.iter_mut();
                feeds
                    .filter(|feed| feed.0 == peer)
                    .for_each(|feed| feed.2 = true);
            }
            Output::TakeSnapshot {
                snapshot, target, ..
            } => self.wanted = Some((snapshot, target)),
            Output::SendSnapshot { peer, .. } => {
                send(engine, peer, &self.snapshot);
                self.copied.push(peer);
            }
            Output::CancelSnapshot { .. } => self.wanted = None,
            Output::KeepLog { bytes } => engine.log.keep(bytes),
            Output::FreeLog => engine.log.free(),
            Output::Append { bytes } => drop(engine.log.append_verbatim(bytes)),
            Output::Become(role) => engine.take_role(role),
            Output::PauseWrites(on) => engine.pause.hold_writes(Holder::Failover, on),
            Output::GoodReplicas(count) => engine.note_good_replicas(count),
            Output::WaitOver {
                client, outcome, ..
            } => end_wait(engine, client, outcome),
            Output::SendPrimary { bytes, .. } => self.sent.extend(bytes),
            Output::Adopt { offset, .. } => engine.log.restart(offset),
            Output::Count(counter) => engine.count_sync(counter),
            Output::Log { line, .. } => world.ask(format!("log {line}")),
            output => world.ask(format!("{output:?}")),
        }
    }

    fn end_feed(&mut self, engine: &Engine, peer: PeerId) {
        let ended = self.feeds.extract_if(.., |feed| feed.0 == peer);
        for (_, reader, _) in ended.collect::<Vec<_>>() {
            engine.log.unsubscribe(reader);
        }
    }
}

fn end_wait(engine: &Engine, client: PeerId, outcome: Outcome) {
    engine.end_wait(client, outcome);
}
