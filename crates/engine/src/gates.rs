//! Every reason to refuse a command before it runs.

use config::{Config, Permit};
use keyspace::{DbIndex, Expire, ShardSet};

use crate::Engine;
use crate::clients::ClientFlags;
use crate::cluster::Route;
use crate::command::{Entry, Flags};
use crate::error::{Error, excerpt};
use crate::eviction::Memory;
use crate::persistence::Hindrances;
use crate::replication::Limits;
use crate::session::Session;

/// What becomes of a request.
pub(crate) enum Gate {
    Open,
    /// It is kept for `EXEC`.
    Queue,
    /// It runs later; so does everything behind it.
    Wait,
    Closed(Error),
}

/// What a gate looks at.
struct Request<'a> {
    engine: &'a Engine,
    config: &'a Config,
    session: &'a Session,
    entry: &'a Entry,
    words: &'a [&'a [u8]],
    memory: Memory,
}

type Check = fn(&Request<'_>) -> Result<(), Gate>;

/// The gates, in the order clients rely on.
const GATES: &[Check] = &[
    subcommand_is_known,
    arity_is_right,
    command_is_not_protected,
    client_is_authenticated,
    slot_is_served_here,
    memory_is_not_full,
    files_can_be_written,
    role_is_right,
    client_does_not_only_listen,
    transaction_may_hold_it,
    data_is_fresh,
    data_is_there,
    replica_only_listens,
    clients_are_not_paused,
    transaction_is_closed,
];

/// Runs a request through all gates.
pub(crate) fn pass(
    engine: &Engine,
    config: &Config,
    session: &Session,
    entry: &Entry,
    words: &[&[u8]],
    memory: Memory,
) -> Gate {
    let request = Request {
        engine,
        config,
        session,
        entry,
        words,
        memory,
    };
    GATES
        .iter()
        .find_map(|check| check(&request).err())
        .unwrap_or(Gate::Open)
}

/// Whether every gate is open for any command of right arity that is neither protected nor special,
/// so that a whole pipeline need not ask again.
#[inline]
pub(crate) fn all_open(engine: &Engine, session: &Session, entry: &Entry) -> bool {
    session.authenticated
        && session.transaction.is_none()
        && !engine.pause.is_on()
        && engine.persistence.hindrances() == Hindrances::NONE
        && role_is_open(engine, entry.flags.has(MAY_WRITE))
        && !session.only_listens()
        && !session.client.has(ClientFlags::REPLICA)
}

/// Whether the node's role keeps nothing from running, or only writes where there are none.
#[inline]
pub(crate) fn role_is_open(engine: &Engine, writes: bool) -> bool {
    let limits = engine.standing.limits();
    limits == Limits::NONE || !writes && !limits.has(Limits::LINK_DOWN)
}

const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);

/// Whether a command has any of these flags, or runs a queue in which one has.
pub(crate) fn may(engine: &Engine, session: &Session, entry: &Entry, flags: Flags) -> bool {
    let transaction = session.transaction.as_ref();
    entry.flags.has(flags)
        || entry.flags.has(Flags::RUNS_QUEUE)
            && transaction.is_some_and(|queue| queue.has(engine, flags))
}

fn closed(error: Error) -> Result<(), Gate> {
    Err(Gate::Closed(error))
}

fn subcommand_is_known(request: &Request<'_>) -> Result<(), Gate> {
    let (entry, words) = (request.entry, request.words);
    if entry.subcommands.is_empty() || words.len() < 2 {
        return Ok(());
    }
    let mut text = b"ERR unknown subcommand '".to_vec();
    text.extend_from_slice(excerpt(words[1], 128));
    text.extend_from_slice(b"'. Try ");
    text.extend(
        entry
            .command
            .name
            .bytes()
            .map(|byte| byte.to_ascii_uppercase()),
    );
    text.extend_from_slice(b" HELP.");
    closed(Error::Bytes(text))
}

fn arity_is_right(request: &Request<'_>) -> Result<(), Gate> {
    let allowed = request.entry.command.arity.allows(request.words.len());
    if allowed {
        Ok(())
    } else {
        closed(Error::Arity)
    }
}

fn command_is_not_protected(request: &Request<'_>) -> Result<(), Gate> {
    if !request.entry.flags.has(Flags::PROTECTED) {
        return Ok(());
    }
    let permitted = match request.config.security.debug_command {
        Permit::No => false,
        Permit::Yes => true,
        Permit::Local => request.session.client.endpoints.local,
    };
    if permitted {
        return Ok(());
    }
    closed(Error::text(
        "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", \
         you can run it from a local connection, otherwise you need to set this option in the \
         configuration file, and then restart the server.",
    ))
}

fn client_is_authenticated(request: &Request<'_>) -> Result<(), Gate> {
    let passes = request.session.authenticated
        || request.config.security.password.is_empty()
        || request.entry.flags.has(Flags::NO_AUTH);
    if passes {
        Ok(())
    } else {
        closed(Error::NoAuth)
    }
}

/// Others serve other slots. Of a slot that moves, what is here is found under its lock.
fn slot_is_served_here(request: &Request<'_>) -> Result<(), Gate> {
    let engine = request.engine;
    if !engine.is_routed(request.session) {
        return Ok(());
    }
    let map = engine.cluster.map();
    let route = Route {
        engine,
        config: request.config,
        map: &map,
        session: request.session,
        entry: request.entry,
        words: request.words,
    };
    let checked = route.check(&mut |key| {
        let mut locked = engine.keyspace.lock(ShardSet::of(key.slot.shard()));
        locked
            .db(DbIndex(0), engine.now(), Expire::Hide)
            .contains(key)
    });
    checked.or_else(closed)
}

fn memory_is_not_full(request: &Request<'_>) -> Result<(), Gate> {
    let (engine, flags) = (request.engine, request.entry.flags);
    let transaction = request.session.transaction.as_ref();
    // What is queued takes memory, whatever it will do. A transaction can always be ended, and run
    // if nothing in it may grow.
    let grows = flags.has(Flags::DENY_OOM)
        || transaction.is_some() && !flags.has(Flags::NOT_QUEUED)
        || flags.has(Flags::RUNS_QUEUE)
            && transaction.is_some_and(|queue| queue.has(engine, Flags::DENY_OOM));
    if request.memory != Memory::Full || !grows {
        return Ok(());
    }
    let text = "OOM command not allowed when used memory > 'maxmemory'.";
    closed(Error::text(text))
}

/// What must not be lost is not accepted while it cannot be written. Who asks whether all is well
/// is told, too.
fn files_can_be_written(request: &Request<'_>) -> Result<(), Gate> {
    let (engine, flags) = (request.engine, request.entry.flags);
    let hindrances = engine.persistence.hindrances();
    if hindrances == Hindrances::NONE {
        return Ok(());
    }
    let transaction = request.session.transaction.as_ref();
    let is_meant = flags.has(Flags::WRITE.and(Flags::TELLS_HEALTH))
        || flags.has(Flags::RUNS_QUEUE)
            && transaction.is_some_and(|queue| queue.has(engine, Flags::WRITE));
    if !is_meant {
        return Ok(());
    }
    let persistence = &request.config.persistence;
    let must_save = persistence.stop_writes_on_error && !persistence.save.0.is_empty();
    if hindrances.has(Hindrances::SAVE_FAILED) && must_save {
        return closed(Error::text(SAVE_FAILED));
    }
    match engine.persistence.log_file.write_error() {
        Some(why) if hindrances.has(Hindrances::LOG_FAILED) => closed(Error::text(format!(
            "MISCONF Errors writing to the AOF file: {why}"
        ))),
        _ => Ok(()),
    }
}

const SAVE_FAILED: &str = "MISCONF Redis is configured to save RDB snapshots, but it's currently \
     unable to persist to disk. Commands that may modify the data set are disabled, because this \
     instance is configured to report errors during writes if RDB snapshotting fails \
     (stop-writes-on-bgsave-error option). Please check the Redis logs for details about the RDB \
     error.";

/// Writes are the primary's, and a primary's that has enough replicas.
fn role_is_right(request: &Request<'_>) -> Result<(), Gate> {
    role_allows(request.engine, request.session, request.entry).or_else(closed)
}

/// Whether the node's role lets a command run.
pub(crate) fn role_allows(engine: &Engine, session: &Session, entry: &Entry) -> Result<(), Error> {
    let limits = engine.standing.limits();
    if limits == Limits::NONE || !may(engine, session, entry, Flags::WRITE) {
        return Ok(());
    }
    if limits.has(Limits::FEW_REPLICAS) {
        let text = "NOREPLICAS Not enough good replicas to write.";
        return Err(Error::text(text));
    }
    if limits.has(Limits::REPLICA) && engine.config.load().replication.read_only {
        let text = "READONLY You can't write against a read only replica.";
        return Err(Error::text(text));
    }
    Ok(())
}

/// A replica without its primary may have old data only, and be told to keep that to itself.
fn data_is_fresh(request: &Request<'_>) -> Result<(), Gate> {
    let (engine, flags) = (request.engine, request.entry.flags);
    let is_stale = engine.standing.limits().has(Limits::LINK_DOWN)
        && !request.config.replication.serve_stale_data;
    let transaction = request.session.transaction.as_ref();
    let needs_data = !flags.has(Flags::STALE)
        || flags.has(Flags::RUNS_QUEUE)
            && transaction.is_some_and(|queue| queue.lacks(engine, Flags::STALE));
    if !is_stale || !needs_data {
        return Ok(());
    }
    closed(Error::text(
        "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    ))
}

/// A replica is told of every change, and asks for no data beside.
fn replica_only_listens(request: &Request<'_>) -> Result<(), Gate> {
    const TOUCHES_DATA: Flags = Flags::WRITE.and(Flags::READONLY).and(Flags::MAY_REPLICATE);
    let is_replica = request.session.client.has(ClientFlags::REPLICA);
    if !is_replica || !request.entry.flags.has(TOUCHES_DATA) {
        return Ok(());
    }
    closed(Error::text("ERR Replica can't interact with the keyspace"))
}

/// While data is loaded, only what does without it may run.
fn data_is_there(request: &Request<'_>) -> Result<(), Gate> {
    match is_loading(request.engine, request.session, request.entry) {
        true => closed(Error::Loading),
        false => Ok(()),
    }
}

/// Whether a command has to be refused because data is being loaded.
#[inline]
pub(crate) fn is_loading(engine: &Engine, session: &Session, entry: &Entry) -> bool {
    let hindrances = engine.persistence.hindrances();
    if hindrances.has(Hindrances::LOADING_BESIDE)
        && may(engine, session, entry, Flags::NO_ASYNC_LOADING)
    {
        return true;
    }
    if !hindrances.has(Hindrances::LOADING) {
        return false;
    }
    let transaction = session.transaction.as_ref();
    !entry.flags.has(Flags::LOADING.and(Flags::WHILE_LOADING))
        || entry.flags.has(Flags::RUNS_QUEUE)
            && transaction.is_some_and(|queue| queue.lacks(engine, Flags::LOADING))
}

fn client_does_not_only_listen(request: &Request<'_>) -> Result<(), Gate> {
    if !request.session.only_listens() || request.entry.flags.has(Flags::ALLOW_SUBSCRIBED) {
        return Ok(());
    }
    closed(Error::text(format!(
        "ERR Can't execute '{}': only (P|S)SUBSCRIBE / (P|S)UNSUBSCRIBE / PING / QUIT / RESET are \
         allowed in this context",
        request.entry.full_name
    )))
}

fn transaction_may_hold_it(request: &Request<'_>) -> Result<(), Gate> {
    let refused = request.session.transaction.is_some() && request.entry.flags.has(Flags::NO_MULTI);
    match refused {
        true => closed(Error::text("ERR Command not allowed inside a transaction")),
        false => Ok(()),
    }
}

fn transaction_is_closed(request: &Request<'_>) -> Result<(), Gate> {
    let queues =
        request.session.transaction.is_some() && !request.entry.flags.has(Flags::NOT_QUEUED);
    if queues { Err(Gate::Queue) } else { Ok(()) }
}

fn clients_are_not_paused(request: &Request<'_>) -> Result<(), Gate> {
    let Request {
        engine,
        session,
        entry,
        words,
        ..
    } = *request;
    match has_to_wait(engine, session, entry, words) {
        true => Err(Gate::Wait),
        false => Ok(()),
    }
}

/// Whether a command has to wait, until a pause is over or a slot is handed over.
#[inline]
pub(crate) fn has_to_wait(
    engine: &Engine,
    session: &Session,
    entry: &Entry,
    words: &[&[u8]],
) -> bool {
    is_paused(engine, session, entry)
        || engine.pause.holds_slots() && engine.holds_write(session, entry, words)
}

/// Whether a command has to wait until a pause is over.
#[inline]
fn is_paused(engine: &Engine, session: &Session, entry: &Entry) -> bool {
    const MAY_WRITE: Flags = Flags::WRITE.and(Flags::MAY_REPLICATE);
    if !engine.pause.is_on() {
        return false;
    }
    let transaction = session.transaction.as_ref();
    let may_write = entry.flags.has(MAY_WRITE)
        || entry.flags.has(Flags::TRANSACTION)
            && transaction.is_some_and(|transaction| transaction.has(engine, MAY_WRITE));
    engine.pause.holds(may_write, entry.flags)
}
