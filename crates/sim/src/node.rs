//! A simulated node: the product's machine, and the shell that performs what it says.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use replication::frames::{self, Kind};
use replication::{
    Born, Cutter, Flaw, Input, LinkId, Loaded, Machine, Outcome, Output, PeerId, Primary,
    ReplicationId, Role, Settings, SnapshotId, Target, View, WaitKind, Way,
};
use resp::request::{Batch, Limits, Parser};

use crate::chronicle::{Chronicle, Place};
use crate::log::Log;
use crate::network::ConnId;
use crate::store::Store;

/// What survives a crash.
#[derive(Clone, Debug, Default)]
pub struct Disk {
    pub saved: Option<Saved>,
    pub primary: Option<Primary>,
}

#[derive(Clone, Debug)]
pub struct Saved {
    dump: Vec<u8>,
    id: Option<ReplicationId>,
    offset: u64,
    db: u8,
}

/// What a node wants of the world.
#[derive(Debug)]
pub enum Wish {
    Connect {
        link: LinkId,
        host: String,
    },
    Close {
        conn: ConnId,
    },
    /// A copy is being loaded; tell the node when that is over.
    Load {
        link: LinkId,
    },
    Remember {
        primary: Option<Primary>,
    },
}

/// What a session is still to be sent before the log.
#[derive(Debug)]
enum Piece {
    Bytes(Vec<u8>),
    Snapshot {
        bytes: Rc<Vec<u8>>,
        at: usize,
    },
    /// A snapshot in frames, with the log between them.
    Frames {
        bytes: Rc<Vec<u8>>,
        at: usize,
    },
    /// All of a snapshot was sent when this comes to the front.
    SnapshotEnd,
}

#[derive(Debug)]
struct Peer {
    conn: ConnId,
    input: Vec<u8>,
    pieces: VecDeque<Piece>,
    held: Option<u64>,
    is_fed: bool,
    is_replica: bool,
}

#[derive(Debug)]
struct Link {
    id: LinkId,
    conn: Option<ConnId>,
    cutter: Cutter,
    copy: Vec<u8>,
    /// Whether the stream is applied as it comes, or waits until the copy is loaded.
    applies: bool,
    /// The log comes with the copy, and is taken in while that is loaded.
    carries_log: bool,
    output: Vec<u8>,
}

struct Waiting {
    /// The history, if it had a log: without one, its name begins later.
    id: Option<ReplicationId>,
    offset: u64,
    wanted: u32,
}

pub struct Node<S> {
    pub index: usize,
    pub machine: Machine,
    pub store: S,
    pub log: Log,
    pub role: Role,
    pub is_paused: bool,
    /// The data is being replaced and must not be shown.
    pub is_loading: bool,
    /// A copy is being loaded, and the link is not read.
    pub holds_link: bool,
    /// The db of the stream that is applied.
    apply_db: u8,
    peers: BTreeMap<PeerId, Peer>,
    next_peer: u64,
    link: Option<Link>,
    aside: Option<(S, u8)>,
    snapshots: BTreeMap<SnapshotId, Rc<Vec<u8>>>,
    /// The snapshots that are sent with the log.
    carrying: BTreeSet<SnapshotId>,
    /// Where the log is held for snapshots that are being made.
    shots: BTreeMap<SnapshotId, u64>,
    waiting: BTreeMap<PeerId, Waiting>,
    inputs: VecDeque<Event>,
    pub wishes: Vec<Wish>,
    pub full_syncs: u32,
    pub dials: u32,
    can_carry: bool,
    pub is_traced: bool,
    /// The primary whose empty copy has just taken the place of data.
    pub emptied_by: Option<String>,
    dialed: String,
    copy_is_empty: bool,
}

/// What a node has still to tell its machine.
enum Event {
    Taken(SnapshotId, u64),
    Written(SnapshotId, u64),
    SnapshotSent(PeerId),
    Moved(PeerId),
    Sent(PeerId, u64),
    Inspected(LinkId, bool),
    Applied(LinkId, Option<u64>),
    Corrupt(LinkId, &'static str),
}

/// Bytes of a frame at most.
const FRAME_BYTES_MAX: usize = 50;

impl Peer {
    /// Puts the next frames of a snapshot in front of what is left of it. Returns where the log
    /// goes on behind them.
    fn frame(&mut self, log: &Log, room: usize) -> u64 {
        let Some(Piece::Frames { bytes, at }) = self.pieces.pop_front() else {
            unreachable!("the caller has looked");
        };
        let mut framed = Vec::new();
        let end = bytes.len().min(at + room.clamp(1, FRAME_BYTES_MAX));
        if end > at {
            framed.extend(frames::head(Kind::Snapshot, end - at, at as u64));
            framed.extend(&bytes[at..end]);
        }
        let held = self.held.as_mut();
        let held = held.expect("whoever is sent a copy holds the log");
        let carried = log.read(*held, FRAME_BYTES_MAX);
        if !carried.is_empty() {
            framed.extend(frames::head(Kind::Log, carried.len(), *held));
            framed.extend(&carried);
            *held += carried.len() as u64;
        }
        if end < bytes.len() {
            self.pieces.push_front(Piece::Frames { bytes, at: end });
        } else {
            framed.extend(frames::head(Kind::End, 0, *held));
            self.pieces.push_front(Piece::SnapshotEnd);
        }
        let held = *held;
        self.pieces.push_front(Piece::Bytes(framed));
        held
    }
}

/// What a node is begun with.
pub struct Birth {
    pub index: usize,
    pub settings: Settings,
    pub seeds: [u64; 2],
    pub now_ms: u64,
    pub flaw: Option<Flaw>,
    /// It knows of copies that carry the log. Others' words about them mean nothing to it.
    pub can_carry: bool,
}

pub fn host(index: usize) -> String {
    format!("n{index}")
}

pub fn port(index: usize) -> u16 {
    7000 + index as u16
}

impl<S: Store> Node<S> {
    pub fn start(birth: Birth, disk: &Disk, chronicle: &mut Chronicle) -> Node<S> {
        let saved = disk.saved.as_ref();
        let store = saved
            .and_then(|saved| S::load(&saved.dump))
            .unwrap_or_default();
        let log = Log::at(saved.map_or(0, |saved| saved.offset));
        let born = Born {
            id: saved.and_then(|saved| saved.id),
            primary: disk.primary.clone(),
        };
        let view = View {
            now_ms: birth.now_ms,
            log: log.span(),
            holds_data: !store.is_empty(),
        };
        let machine = Machine::new(birth.settings, born, birth.seeds, &view);
        let mut node = Node {
            index: birth.index,
            machine: machine.with_flaw(birth.flaw),
            store,
            log,
            role: Role::Primary,
            is_paused: false,
            is_loading: false,
            holds_link: false,
            apply_db: saved.map_or(0, |saved| saved.db),
            peers: BTreeMap::new(),
            next_peer: 0,
            link: None,
            aside: None,
            snapshots: BTreeMap::new(),
            carrying: BTreeSet::new(),
            shots: BTreeMap::new(),
            waiting: BTreeMap::new(),
            inputs: VecDeque::new(),
            wishes: Vec::new(),
            full_syncs: 0,
            dials: 0,
            can_carry: birth.can_carry,
            is_traced: false,
            emptied_by: None,
            dialed: String::new(),
            copy_is_empty: false,
        };
        if node.machine.name_to_save().is_some() {
            chronicle.name(node.index, node.machine.history());
            node.stand(chronicle);
        }
        let mut out = Vec::new();
        node.machine.start(&view, &mut out);
        node.perform(out, &[], birth.now_ms, chronicle);
        node.run(birth.now_ms, chronicle);
        node
    }

    pub fn view(&self, now_ms: u64) -> View {
        View {
            now_ms,
            log: self.log.span(),
            holds_data: !self.store.is_empty(),
        }
    }

    pub fn place(&self) -> Place {
        Place {
            id: self.machine.history().id,
            offset: self.log.end(),
        }
    }

    fn stand(&self, chronicle: &mut Chronicle) {
        chronicle.stand(self.index, self.place(), self.store.digest());
    }

    /// What a save now would write. While data is replaced there is nothing to save.
    pub fn save(&self) -> Option<Saved> {
        (!self.is_loading).then(|| Saved {
            dump: self.store.dump(),
            id: self.machine.name_to_save(),
            offset: self.log.end(),
            db: match self.role {
                Role::Primary => self.log.db.unwrap_or(0),
                Role::Replica => self.apply_db,
            },
        })
    }

    /// Tells the machine what happened, and does what it says.
    pub fn step(&mut self, now_ms: u64, input: Input<'_>, chronicle: &mut Chronicle) {
        self.step_one(now_ms, input, &[], chronicle);
        self.run(now_ms, chronicle);
    }

    fn step_one(&mut self, now_ms: u64, input: Input<'_>, bytes: &[u8], chronicle: &mut Chronicle) {
        let mut out = Vec::new();
        let before = *self.machine.history();
        self.machine.step(&self.view(now_ms), input, &mut out);
        let adopts = out
            .iter()
            .any(|output| matches!(output, Output::Adopt { .. }));
        self.perform(out, bytes, now_ms, chronicle);
        let history = *self.machine.history();
        if history != before && !adopts {
            chronicle.name(self.index, &history);
            if self.machine.name_to_save().is_some() {
                self.stand(chronicle);
            }
        }
    }

    fn run(&mut self, now_ms: u64, chronicle: &mut Chronicle) {
        while let Some(event) = self.inputs.pop_front() {
            let input = match event {
                Event::Taken(snapshot, offset) => Input::SnapshotTaken { snapshot, offset },
                Event::Written(snapshot, len) => Input::SnapshotWritten { snapshot, len },
                Event::SnapshotSent(peer) => Input::SnapshotSent { peer },
                Event::Moved(peer) => Input::SnapshotMoved { peer },
                Event::Sent(peer, offset) => Input::Sent { peer, offset },
                Event::Inspected(link, is_empty) => Input::Inspected { link, is_empty },
                Event::Applied(link, ack_asked) => Input::Applied { link, ack_asked },
                Event::Corrupt(link, what) => Input::Corrupt { link, what },
            };
            self.step_one(now_ms, input, &[], chronicle);
        }
    }

    // Sessions of others.

    pub fn accept(&mut self, conn: ConnId) -> PeerId {
        self.next_peer += 1;
        let peer = PeerId(self.next_peer);
        self.peers.insert(
            peer,
            Peer {
                conn,
                input: Vec::new(),
                pieces: VecDeque::new(),
                held: None,
                is_fed: false,
                is_replica: false,
            },
        );
        peer
    }

    pub fn peer_gone(&mut self, now_ms: u64, peer: PeerId, chronicle: &mut Chronicle) {
        if self.peers.remove(&peer).is_some() {
            self.step(now_ms, Input::Gone { peer }, chronicle);
            self.trim();
        }
    }

    pub fn hear_peer(
        &mut self,
        now_ms: u64,
        peer: PeerId,
        bytes: &[u8],
        chronicle: &mut Chronicle,
    ) {
        let Some(session) = self.peers.get_mut(&peer) else {
            return;
        };
        session.input.extend_from_slice(bytes);
        let mut input = std::mem::take(&mut session.input);
        let limits = Limits {
            bulk_bytes_max: 1 << 20,
            unauthenticated: false,
        };
        let mut batch = Batch::default();
        let parsed = Parser::default().parse(&mut input, &limits, &mut batch);
        let requests = (0..batch.len())
            .map(|index| {
                batch
                    .request(index)
                    .iter()
                    .map(|word| word.to_vec())
                    .collect()
            })
            .collect::<Vec<Vec<Vec<u8>>>>();
        if requests.is_empty() && parsed.consumed > 0 {
            self.step(now_ms, Input::Newline { peer }, chronicle);
        }
        for words in requests {
            let words = words.iter().map(|word| &word[..]).collect::<Vec<_>>();
            self.request(now_ms, peer, &words, chronicle);
        }
        if let Some(session) = self.peers.get_mut(&peer) {
            session.input = input[parsed.consumed..].to_vec();
        }
    }

    fn request(&mut self, now_ms: u64, peer: PeerId, words: &[&[u8]], chronicle: &mut Chronicle) {
        let address = "sim:1";
        let (name, rest) = (words[0], &words[1..]);
        let owes_replies = false;
        match name {
            b"PING" => self.send(peer, b"+PONG\r\n".to_vec()),
            b"AUTH" => self.send(peer, b"+OK\r\n".to_vec()),
            b"REPLCONF" => {
                let mut words = rest.to_vec();
                words.retain(|word| self.can_carry || *word != frames::CAPABILITY.as_bytes());
                words.truncate(words.len() / 2 * 2);
                let words = &words[..];
                self.step(now_ms, Input::Replconf { peer, words }, chronicle);
            }
            b"PSYNC" => {
                let words = rest;
                let input = Input::Psync {
                    peer,
                    words,
                    address,
                    owes_replies,
                };
                self.step(now_ms, input, chronicle);
            }
            b"SYNC" => {
                let input = Input::Sync {
                    peer,
                    address,
                    owes_replies,
                };
                self.step(now_ms, input, chronicle);
            }
            _ => self.send(peer, b"-ERR unknown command\r\n".to_vec()),
        }
    }

    fn send(&mut self, peer: PeerId, bytes: Vec<u8>) {
        if let Some(session) = self.peers.get_mut(&peer) {
            session.pieces.push_back(Piece::Bytes(bytes));
        }
    }

    /// The connections that may have something to send.
    pub fn connections(&self) -> Vec<ConnId> {
        let link = self.link.as_ref().and_then(|link| link.conn);
        self.peers
            .values()
            .map(|peer| peer.conn)
            .chain(link)
            .collect()
    }

    pub fn peer_on(&self, conn: ConnId) -> Option<PeerId> {
        let mut peers = self.peers.iter();
        peers
            .find(|(_, peer)| peer.conn == conn)
            .map(|(peer, _)| *peer)
    }

    pub fn link_on(&self, conn: ConnId) -> Option<LinkId> {
        let link = self.link.as_ref()?;
        (link.conn == Some(conn)).then_some(link.id)
    }

    /// Takes up to `room` bytes that go out on a connection.
    pub fn take_output(&mut self, conn: ConnId, room: usize) -> Vec<u8> {
        if let Some(link) = self.link.as_mut().filter(|link| link.conn == Some(conn)) {
            let len = link.output.len().min(room);
            return link.output.drain(..len).collect();
        }
        let Some(peer) = self.peer_on(conn) else {
            return Vec::new();
        };
        let session = self.peers.get_mut(&peer).expect("it was found just now");
        let mut bytes = Vec::new();
        while bytes.len() < room
            && let Some(piece) = session.pieces.front_mut()
        {
            let left = room - bytes.len();
            match piece {
                Piece::Bytes(more) => {
                    let len = more.len().min(left);
                    bytes.extend(more.drain(..len));
                    if more.is_empty() {
                        session.pieces.pop_front();
                    }
                }
                Piece::Snapshot { bytes: all, at } => {
                    let end = all.len().min(*at + left);
                    bytes.extend_from_slice(&all[*at..end]);
                    *at = end;
                    let is_done = end == all.len();
                    self.inputs.push_back(match is_done {
                        true => Event::SnapshotSent(peer),
                        false => Event::Moved(peer),
                    });
                    if is_done {
                        session.pieces.pop_front();
                    }
                }
                Piece::Frames { .. } => {
                    let held = session.frame(&self.log, left);
                    self.inputs.push_back(Event::Moved(peer));
                    self.inputs.push_back(Event::Sent(peer, held));
                }
                Piece::SnapshotEnd => {
                    session.pieces.pop_front();
                    self.inputs.push_back(Event::SnapshotSent(peer));
                    // What comes next is said when that was heard.
                    break;
                }
            }
        }
        if session.is_fed
            && session.pieces.is_empty()
            && let Some(held) = session.held.as_mut()
            && *held < self.log.end()
        {
            let more = self.log.read(*held, room - bytes.len());
            *held += more.len() as u64;
            bytes.extend(&more);
            self.inputs.push_back(Event::Sent(peer, *held));
        }
        bytes
    }

    /// What sending has brought about.
    pub fn settle(&mut self, now_ms: u64, chronicle: &mut Chronicle) {
        self.run(now_ms, chronicle);
        self.trim();
    }

    fn trim(&mut self) {
        let held = self.peers.values().filter_map(|peer| peer.held);
        self.log
            .trim(held.chain(self.shots.values().copied()).min());
    }

    // The link to the primary.

    pub fn connected(
        &mut self,
        now_ms: u64,
        link: LinkId,
        conn: ConnId,
        chronicle: &mut Chronicle,
    ) -> bool {
        match &mut self.link {
            Some(current) if current.id == link && current.conn.is_none() => {
                current.conn = Some(conn);
                self.step(now_ms, Input::Connected { link }, chronicle);
                true
            }
            _ => false,
        }
    }

    pub fn link_lost(&mut self, now_ms: u64, link: LinkId, why: &str, chronicle: &mut Chronicle) {
        self.step(now_ms, Input::LinkLost { link, why }, chronicle);
    }

    pub fn hear_primary(
        &mut self,
        now_ms: u64,
        link: LinkId,
        bytes: &[u8],
        chronicle: &mut Chronicle,
    ) {
        let was_online = self.is_online();
        let input = Input::FromPrimary { link, bytes };
        self.step_one(now_ms, input, bytes, chronicle);
        if !was_online && self.is_online() {
            // The stream goes on: from a place where this history has been.
            chronicle.name(self.index, self.machine.history());
            chronicle.resume(self.index, self.place(), self.store.digest());
        }
        if let Some(link) = self.link.as_mut()
            && self.machine.link_state() == Some(replication::LinkState::Connected)
        {
            link.applies = true;
        }
        self.apply(chronicle);
        self.run(now_ms, chronicle);
    }

    pub fn is_online(&self) -> bool {
        self.machine.link_state() == Some(replication::LinkState::Connected)
    }

    /// Applies what has arrived of the stream, unit by unit.
    fn apply(&mut self, chronicle: &mut Chronicle) {
        let Some(link) = self.link.as_mut().filter(|link| link.applies) else {
            return;
        };
        let mut ack_asked = None;
        let mut has_applied = false;
        let corrupt = loop {
            match link.cutter.next_unit() {
                Ok(Some(unit)) => {
                    if unit.asks_ack {
                        ack_asked = Some(self.log.end());
                    }
                    apply_unit(&mut self.store, &mut self.apply_db, unit.bytes);
                    self.log.append(unit.bytes);
                    has_applied = true;
                    let place = Place {
                        id: self.machine.history().id,
                        offset: self.log.end(),
                    };
                    chronicle.stand(self.index, place, self.store.digest());
                }
                Ok(None) => break None,
                Err(corrupt) => break Some(corrupt),
            }
        };
        let id = link.id;
        if has_applied {
            self.inputs.push_back(Event::Applied(id, ack_asked));
            self.trim();
        }
        if let Some(corrupt) = corrupt {
            chronicle.accuse("D1", format!("node {} got {}", self.index, corrupt.0));
            self.inputs.push_back(Event::Corrupt(id, corrupt.0));
        }
    }

    /// The time it takes to load a copy is over.
    pub fn load(&mut self, now_ms: u64, link: LinkId, chronicle: &mut Chronicle) {
        let Some(current) = self.link.as_mut().filter(|current| current.id == link) else {
            return;
        };
        let copy = std::mem::take(&mut current.copy);
        let loaded = copy
            .split_first()
            .and_then(|(db, dump)| Some((S::load(dump)?, *db)));
        let result = match loaded {
            Some(loaded) => {
                self.aside = Some(loaded);
                Loaded::Whole
            }
            None => Loaded::Failed("the copy is torn"),
        };
        self.step_one(now_ms, Input::Loaded { link, result }, &[], chronicle);
        self.apply(chronicle);
        self.run(now_ms, chronicle);
    }

    // Clients.

    /// A client's commands, as one transaction if they are several. Returns whether they ran.
    pub fn write(&mut self, db: u8, commands: &[Vec<Vec<u8>>], chronicle: &mut Chronicle) -> bool {
        if self.role != Role::Primary || self.is_paused || self.is_loading {
            return false;
        }
        let before = self.store.digest();
        for words in commands {
            let words = words.iter().map(|word| &word[..]).collect::<Vec<_>>();
            self.store.apply(db, &words);
        }
        if self.log.kept.is_none() {
            return true;
        }
        let mut bytes = Vec::new();
        if self.log.db != Some(db) {
            self.log.db = Some(db);
            resp::reply::write_request(&mut bytes, &["SELECT", &db.to_string()]);
            self.log.append(&bytes);
            chronicle.stand(self.index, self.place(), before);
            bytes.clear();
        }
        let is_transaction = commands.len() > 1;
        if is_transaction {
            resp::reply::write_request(&mut bytes, &["MULTI"]);
        }
        for words in commands {
            resp::reply::write_request(&mut bytes, words);
        }
        if is_transaction {
            resp::reply::write_request(&mut bytes, &["EXEC"]);
        }
        self.log.append(&bytes);
        self.stand(chronicle);
        self.trim();
        true
    }

    /// A client asks for so many confirmations of all that was written.
    pub fn wait(
        &mut self,
        now_ms: u64,
        kind: WaitKind,
        replicas: u32,
        timeout_ms: u64,
        chronicle: &mut Chronicle,
    ) {
        self.next_peer += 1;
        let client = PeerId(self.next_peer);
        let (offset, wanted) = (self.log.end(), replicas);
        let id = self.log.kept.map(|_| self.machine.history().id);
        let waiting = Waiting { id, offset, wanted };
        self.waiting.insert(client, waiting);
        let input = Input::Wait {
            client,
            kind,
            offset,
            replicas,
            timeout_ms: Some(timeout_ms),
        };
        self.step(now_ms, input, chronicle);
    }

    // Performing.

    fn perform(&mut self, out: Vec<Output>, bytes: &[u8], now_ms: u64, chronicle: &mut Chronicle) {
        for output in out {
            if self.is_traced && !matches!(output, Output::Stream { .. }) {
                println!("{now_ms:>9} n{} {output:?}", self.index);
            }
            match output {
                Output::Send { .. }
                | Output::Drop { .. }
                | Output::Enlist { .. }
                | Output::Hold { .. }
                | Output::Feed { .. } => self.perform_session(output),
                Output::TakeSnapshot { .. }
                | Output::SendSnapshot { .. }
                | Output::CancelSnapshot { .. } => self.perform_snapshot(output),
                Output::KeepLog { .. }
                | Output::FreeLog
                | Output::Append { .. }
                | Output::Become(_)
                | Output::Remember { .. }
                | Output::PauseWrites(_) => self.perform_role(output, chronicle),
                Output::WaitOver {
                    client, outcome, ..
                } => self.perform_wait(client, outcome, chronicle),
                Output::Connect { .. }
                | Output::SendPrimary { .. }
                | Output::CloseLink { .. }
                | Output::Receive { .. }
                | Output::Copy { .. }
                | Output::Received { .. }
                | Output::Load { .. }
                | Output::Adopt { .. }
                | Output::Stream { .. } => self.perform_link(output, bytes, chronicle),
                Output::Count(counter) => {
                    self.full_syncs += u32::from(counter == replication::Counter::FullSync);
                }
                Output::GoodReplicas(_) | Output::Log { .. } => {}
            }
        }
    }

    fn perform_session(&mut self, output: Output) {
        match output {
            Output::Send { peer, bytes } => self.send(peer, bytes),
            Output::Drop { peer } => {
                if let Some(session) = self.peers.remove(&peer) {
                    let conn = session.conn;
                    self.wishes.push(Wish::Close { conn });
                }
            }
            Output::Enlist { peer } => {
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.is_replica = true;
                }
            }
            Output::Hold { peer, from } => {
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.held = Some(from);
                }
            }
            Output::Feed { peer } => {
                if let Some(session) = self.peers.get_mut(&peer) {
                    session.is_fed = true;
                }
            }
            _ => unreachable!("the caller sends sessions' outputs only"),
        }
    }

    fn perform_snapshot(&mut self, output: Output) {
        match output {
            Output::TakeSnapshot {
                snapshot, target, ..
            } => {
                let db = match self.role {
                    Role::Primary => 0,
                    Role::Replica => self.apply_db,
                };
                let mut bytes = vec![db];
                bytes.extend(self.store.dump());
                let len = bytes.len() as u64;
                match target {
                    Target::Sockets { mark } => bytes.extend(mark),
                    Target::WithLog => {
                        self.carrying.insert(snapshot);
                    }
                    Target::File => {}
                }
                // Who begins here knows of no SELECT.
                self.log.db = None;
                let offset = self.log.end();
                self.snapshots.insert(snapshot, Rc::new(bytes));
                self.shots.insert(snapshot, offset);
                self.inputs.push_back(Event::Taken(snapshot, offset));
                if target == Target::File {
                    self.inputs.push_back(Event::Written(snapshot, len));
                }
            }
            Output::SendSnapshot { peer, snapshot } => {
                let bytes = self.snapshots.get(&snapshot).cloned();
                let carries_log = self.carrying.contains(&snapshot);
                if carries_log {
                    // Each who is sent it holds the log by himself.
                    self.shots.remove(&snapshot);
                }
                if let Some((session, bytes)) = self.peers.get_mut(&peer).zip(bytes) {
                    session.pieces.push_back(match carries_log {
                        true => Piece::Frames { bytes, at: 0 },
                        false => Piece::Snapshot { bytes, at: 0 },
                    });
                }
            }
            Output::CancelSnapshot { snapshot } => {
                self.snapshots.remove(&snapshot);
                self.carrying.remove(&snapshot);
                self.shots.remove(&snapshot);
            }
            _ => unreachable!("the caller sends snapshots' outputs only"),
        }
    }

    fn perform_role(&mut self, output: Output, chronicle: &mut Chronicle) {
        match output {
            Output::KeepLog { bytes } => {
                self.log.kept = Some(bytes);
                self.stand(chronicle);
            }
            Output::FreeLog => {
                self.log.kept = None;
                self.log.db = None;
                // The data goes on under a name that is still to come.
                self.waiting
                    .values_mut()
                    .for_each(|waiting| waiting.id = None);
                self.trim();
            }
            Output::Append { bytes } => {
                self.log.append(bytes);
                self.stand(chronicle);
                self.trim();
            }
            Output::Become(role) => {
                match role {
                    Role::Primary => self.log.db = None,
                    Role::Replica if self.role == Role::Primary => {
                        self.apply_db = self.log.db.unwrap_or(self.apply_db);
                    }
                    Role::Replica => {}
                }
                self.role = role;
            }
            Output::Remember { primary } => self.wishes.push(Wish::Remember { primary }),
            Output::PauseWrites(pauses) => self.is_paused = pauses,
            _ => unreachable!("the caller sends outputs of the role only"),
        }
    }

    fn perform_wait(&mut self, client: PeerId, outcome: Outcome, chronicle: &mut Chronicle) {
        let Some(Waiting { id, offset, wanted }) = self.waiting.remove(&client) else {
            chronicle.accuse("D4", format!("{client:?} is told twice"));
            return;
        };
        let count = match outcome {
            Outcome::Confirmed(count) => {
                if count < wanted {
                    chronicle.accuse("D4", format!("{count} are not the {wanted} wanted"));
                }
                count
            }
            Outcome::TimedOut(count) => count,
            Outcome::RoleChanged => return,
        };
        let id = id.unwrap_or(self.machine.history().id);
        chronicle.confirm(self.index, Place { id, offset }, count);
    }

    fn perform_link(&mut self, output: Output, bytes: &[u8], chronicle: &mut Chronicle) {
        if let Output::Connect { link, primary } = output {
            self.link = Some(Link {
                id: link,
                conn: None,
                cutter: Cutter::default(),
                copy: Vec::new(),
                applies: false,
                carries_log: false,
                output: Vec::new(),
            });
            let host = primary.host;
            self.dials += 1;
            (self.dialed, self.emptied_by) = (host.clone(), None);
            self.wishes.push(Wish::Connect { link, host });
            return;
        }
        let Some(current) = self.link.as_mut() else {
            return;
        };
        match output {
            Output::SendPrimary { bytes, .. } => current.output.extend(bytes),
            Output::CloseLink { .. } => self.close_link(),
            Output::Receive {
                way, carries_log, ..
            } => {
                self.is_loading = way == Way::Direct;
                current.carries_log = carries_log;
            }
            Output::Copy { range, .. } => current.copy.extend_from_slice(&bytes[range]),
            Output::Received { link, trim } => {
                current.copy.truncate(current.copy.len() - trim);
                let dump = current.copy.get(1..).and_then(S::load);
                let is_empty = dump.is_some_and(|store| store.is_empty());
                self.copy_is_empty = is_empty;
                self.inputs.push_back(Event::Inspected(link, is_empty));
            }
            Output::Load { link, way } => {
                self.holds_link = !current.carries_log;
                if self.copy_is_empty && !self.store.is_empty() {
                    self.emptied_by = Some(self.dialed.clone());
                }
                if way != Way::Beside {
                    self.store = S::default();
                    self.is_loading = true;
                }
                self.wishes.push(Wish::Load { link });
            }
            Output::Adopt { offset, .. } => {
                if let Some((store, db)) = self.aside.take() {
                    (self.store, self.apply_db) = (store, db);
                }
                current.applies = true;
                self.log.restart(offset);
                (self.is_loading, self.holds_link) = (false, false);
                self.stand(chronicle);
            }
            Output::Stream { range, .. } => current.cutter.push(&bytes[range]),
            _ => unreachable!("the caller sends the link's outputs only"),
        }
    }

    /// What is half replaced stays empty.
    fn close_link(&mut self) {
        if let Some(conn) = self.link.take().and_then(|link| link.conn) {
            self.wishes.push(Wish::Close { conn });
        }
        self.aside = None;
        self.holds_link = false;
        if std::mem::take(&mut self.is_loading) {
            self.store = S::default();
        }
    }
}

fn apply_unit<S: Store>(store: &mut S, db: &mut u8, unit: &[u8]) {
    let limits = Limits {
        bulk_bytes_max: 1 << 20,
        unauthenticated: false,
    };
    let mut unit = unit.to_vec();
    let mut batch = Batch::default();
    Parser::default().parse(&mut unit, &limits, &mut batch);
    for index in 0..batch.len() {
        match batch.request(index) {
            [b"SELECT", name] => *db = name[0] - b'0',
            words => store.apply(*db, words),
        }
    }
}
