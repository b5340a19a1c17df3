//! The servers that are measured: where they are, what they keep, and how they are asked.

use client::Address;
use resp::value::Value;

use crate::cluster::{Master, masters, tag};
use crate::control::{Control, ControlError};
use crate::load::{Endpoint, Node};
use crate::options::{Format, Options};
use crate::program::emit;
use crate::report::Server;

/// The servers that are measured.
pub struct Site {
    pub nodes: Vec<Node>,
    pub servers: Vec<Server>,
    /// To those that are asked during the tests; none if that is not wanted.
    pub controls: Vec<Control>,
    /// Whether slots of the cluster have moved since it was looked at.
    pub has_changed: bool,
}

impl Site {
    pub fn find(options: &Options) -> Result<Site, String> {
        match options.cluster {
            true => Site::of_cluster(options),
            false => Site::of_server(options, &options.address()),
        }
    }

    pub fn of_server(options: &Options, address: &Address) -> Result<Site, String> {
        let mut site = Site::empty();
        site.add(options, address, Vec::new())?;
        Ok(site)
    }

    fn empty() -> Site {
        Site {
            nodes: Vec::new(),
            servers: Vec::new(),
            controls: Vec::new(),
            has_changed: false,
        }
    }

    fn add(
        &mut self,
        options: &Options,
        address: &Address,
        tags: Vec<[u8; 3]>,
    ) -> Result<(), String> {
        let mut keeps = None;
        match Control::open(options, address) {
            Ok(mut control) => {
                keeps = control.keeps();
                if wants_cpu(options) {
                    self.controls.push(control);
                }
            }
            Err(ControlError::Refused(text)) => {
                return Err(format!("Node {address} replied with error:\n{text}"));
            }
            Err(error) => eprintln!("{error}"),
        }
        if keeps.is_none() {
            eprintln!("WARNING: Could not fetch server CONFIG");
        }
        let tls = options.tls.then_some(&options.tls_settings);
        let endpoint = Endpoint::find(address, tls).map_err(|error| error.to_string())?;
        self.nodes.push(Node { endpoint, tags });
        self.servers.push(Server {
            name: address.to_string(),
            keeps,
        });
        Ok(())
    }

    fn of_cluster(options: &Options) -> Result<Site, String> {
        let address = options.address();
        let masters = fetch(options, &address).map_err(|error| {
            format!("{error}\nFailed to fetch cluster configuration from {address}")
        })?;
        if masters.len() <= 1 {
            return Err(format!("Invalid cluster: {} node(s).", masters.len()));
        }
        if options.format != Format::Json {
            emit(listing(&masters).as_bytes());
        }
        Site::of_masters(options, masters)
    }

    fn of_masters(options: &Options, masters: Vec<Master>) -> Result<Site, String> {
        let mut site = Site::empty();
        for master in masters {
            let address = Address::Tcp {
                host: master.host,
                port: master.port,
            };
            let tags = master.slots.iter().map(|slot| tag(*slot)).collect();
            site.add(options, &address, tags)?;
        }
        Ok(site)
    }

    /// Asks the nodes, one after the other, where the cluster's slots are now.
    pub fn look_again(&mut self, options: &Options) -> Result<(), String> {
        let known = self.nodes.iter().map(|node| &node.endpoint.address);
        let mut flaw = String::new();
        for address in known {
            match fetch(options, address) {
                Ok(masters) if !masters.is_empty() => {
                    *self = Site::of_masters(options, masters)?;
                    return Ok(());
                }
                Ok(_) => flaw = format!("Invalid cluster: 0 node(s) known to {address}."),
                Err(error) => flaw = error,
            }
        }
        Err(flaw)
    }
}

/// Whether figures of the servers' processors are wanted.
fn wants_cpu(options: &Options) -> bool {
    options.cpu || options.format == Format::Json || options.compare.is_some()
}

/// Asks one node of a cluster for all that hold slots.
fn fetch(options: &Options, address: &Address) -> Result<Vec<Master>, String> {
    let refused = |text: &str| format!("Cluster node {address} replied with error:\n{text}");
    let mut control = Control::open(options, address).map_err(|error| match error {
        ControlError::Refused(text) => refused(&text),
        error => error.to_string(),
    })?;
    let text = match control.ask(&[b"CLUSTER", b"NODES"]) {
        Ok(Value::Bulk(text) | Value::Verbatim(_, text)) => text,
        Ok(Value::Error(text)) => return Err(refused(&String::from_utf8_lossy(&text))),
        Ok(_) => return Err("ochre: CLUSTER NODES is no text".to_owned()),
        Err(error) => return Err(error.to_string()),
    };
    let mut found = masters(&String::from_utf8_lossy(&text), &options.host);
    found.retain(|master| {
        if master.slots.is_empty() {
            let (host, port) = (&master.host, master.port);
            eprintln!("WARNING: Master node {host}:{port} has no slots, skipping...");
        }
        !master.slots.is_empty()
    });
    Ok(found)
}

fn listing(masters: &[Master]) -> String {
    let mut text = format!("Cluster has {} master nodes:\n\n", masters.len());
    for (index, master) in masters.iter().enumerate() {
        let Master { id, host, port, .. } = master;
        text += &format!("Master {index}: {id} {host}:{port}\n");
    }
    text + "\n"
}
