//! `backup`: a snapshot of every primary, and a file that says how the cluster is made up.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use client::snapshot::{Payload, announced, receive};
use client::{Error, reason};
use serde_json::Value as Json;

use super::check::Health;
use super::{Errand, Outcome, Over};
use crate::fleet::Fleet;
use crate::link::{Link, Trouble};
use crate::node::Node;
use crate::view::View;
use crate::voice::Voice;

/// What the file is called that says how the cluster is made up.
pub const NODES: &str = "nodes.json";

/// Why a snapshot was not saved.
enum Failure {
    Connection(Error),
    Link(Trouble),
    Refused(String),
    Open(std::io::Error),
    Write(std::io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Connection(error)
    }
}

/// What a node's snapshot is called.
pub fn file_name(node: &Node) -> String {
    format!("redis-node-{}-{}-{}.rdb", node.host, node.port, node.id)
}

impl Errand {
    pub async fn backup(&mut self) -> Result<Outcome, Over> {
        let place = self.place_at(0)?;
        let folder = self.request.arg(1);
        let mut fleet = self.load(&place).await?;
        let health = self.check(&fleet, true);
        if self.request.settings.dry_run {
            return Ok(Outcome::Done);
        }
        let mut saved = Vec::new();
        for node in fleet.view.primaries().collect::<Vec<_>>() {
            let place = fleet.view.nodes[node].place();
            self.voice
                .heading(&format!(">>> Node {place} -> Saving RDB..."));
            let name = file_name(&fleet.view.nodes[node]);
            let path = Path::new(&folder).join(&name);
            if let Err(failure) = save(&self.voice, &mut fleet.links[node], &path).await {
                self.tell_failure(&path, &failure);
                return Err(Over(Outcome::Unhealthy));
            }
            saved.push(name);
        }
        let path = Path::new(&folder).join(NODES);
        self.voice.heading(&format!(
            "Saving cluster configuration to: {}",
            path.display()
        ));
        if std::fs::write(&path, document(&fleet, &health)).is_err() {
            let shown = path.display();
            self.voice
                .aside(&format!("Could not save nodes to: {shown}"));
            self.voice.bad("[ERR] Failed to back cluster!");
            return Err(Over(Outcome::Unhealthy));
        }
        if !health.is_good() {
            self.voice.warning(
                "*** Cluster seems to have some problems, please be aware of it if you're going \
                 to restore this backup.",
            );
        }
        self.voice
            .good(&format!("[OK] Backup created into: {folder}"));
        self.note("files", saved);
        Ok(Outcome::Done)
    }

    fn tell_failure(&self, path: &Path, failure: &Failure) {
        let path = path.display();
        self.voice.aside(&match failure {
            Failure::Connection(error) => format!("Error: {error}"),
            Failure::Link(trouble) => format!("Error: {trouble}"),
            Failure::Refused(text) => format!("SYNC with master failed: {text}"),
            Failure::Open(error) => format!("Error opening '{path}': {}", reason(error)),
            Failure::Write(error) => format!("Error writing to '{path}': {}", reason(error)),
        });
    }
}

/// Saves what a node sends to a replica.
async fn save(voice: &Voice, link: &mut Link, path: &PathBuf) -> Result<(), Failure> {
    let mut connection = link.take().await.map_err(Failure::Link)?;
    connection.queue_bytes(b"SYNC\r\n");
    connection.flush().await?;
    let payload = announced(&mut connection).await?;
    let payload = payload.map_err(Failure::Refused)?;
    let shown = path.display();
    voice.aside(&match &payload {
        Payload::Bytes(bytes) => format!("SYNC sent to master, writing {bytes} bytes to '{shown}'"),
        Payload::Mark(_) => {
            format!(
                "SYNC sent to master, writing bytes of bulk transfer until EOF marker to '{shown}'"
            )
        }
    });
    let mut file = File::create(path).map_err(Failure::Open)?;
    let bytes = receive(&mut connection, &payload, |bytes| {
        file.write_all(bytes).map_err(Failure::Write)
    })
    .await?;
    file.sync_all().map_err(Failure::Write)?;
    voice.aside(&match payload {
        Payload::Bytes(_) => "Transfer finished with success.".to_owned(),
        Payload::Mark(_) => format!("Transfer finished with success after {bytes} bytes"),
    });
    Ok(())
}

/// All nodes as a document, laid out as it has always been.
fn document(fleet: &Fleet, health: &Health) -> String {
    let nodes = fleet.view.nodes.iter();
    let nodes: Vec<String> = nodes
        .map(|node| describe(&fleet.view, node, health))
        .collect();
    format!("[\n{}\n]", nodes.join(",\n"))
}

fn describe(_: &View, node: &Node, _: &Health) -> String {
    let slots: Vec<String> = node
        .slots
        .ranges()
        .into_iter()
        .map(|(first, last)| match first == last {
            true => format!("[{first}]"),
            false => format!("[{first},{last}]"),
        })
        .collect();
    let open = |open: &[(u16, String)]| {
        let fields = open
            .iter()
            .map(|(slot, id)| format!("\"{slot}\": \"{id}\""));
        format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
    };
    let text = |text: &str| Json::from(text).to_string();
    let mut fields = vec![
        ("name", text(&node.id)),
        ("host", text(&node.host)),
        ("port", node.port.to_string()),
        (
            "replicate",
            node.primary.as_deref().map_or("null".to_owned(), text),
        ),
        ("slots", format!("[{}]", slots.join(","))),
        ("slots_count", node.slots.len().to_string()),
        ("flags", text(&node.flags.join(","))),
        ("current_epoch", node.config_epoch.to_string()),
    ];
    if !node.migrating.is_empty() {
        fields.push(("migrating", open(&node.migrating)));
    }
    if !node.importing.is_empty() {
        fields.push(("importing", open(&node.importing)));
    }
    let fields: Vec<String> = fields
        .into_iter()
        .map(|(name, value)| format!("    \"{name}\": {value}"))
        .collect();
    format!("  {{\n{}\n  }}", fields.join(",\n"))
}
