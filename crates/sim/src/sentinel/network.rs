//! Connections between sites, and what travels on them.

use std::net::{IpAddr, Ipv4Addr};

use resp::value::Value;
use sentinel::{ConnectionId, Input};

use crate::sentinel::node::Words;
use crate::sentinel::site::{Conn, Tenant};
use crate::sentinel::world::{Event, World};

/// How long a shell tries to connect.
const CONNECT_MS: u64 = 3_000;

impl World {
    pub(super) fn dial(&mut self, site: usize, connection: ConnectionId, ip: IpAddr) {
        let Some(listener) = self.site_at(&ip.to_string()) else {
            return;
        };
        self.conns_made += 1;
        let conn = self.conns_made;
        self.conns.insert(
            conn,
            Conn {
                dialer: site,
                connection,
                listener,
                listener_life: None,
                is_standing: false,
                subscribes: false,
                transaction: None,
                last_ms: [0; 2],
            },
        );
        if let Some(sentinel) = self.sentinel(site) {
            sentinel.connections.insert(connection, conn);
        }
        self.travel(conn, false, Event::Arrive { conn });
        self.schedule(CONNECT_MS, Event::GiveUp { conn });
    }

    pub(super) fn arrive(&mut self, conn: u64) {
        let Some(listener) = self.conns.get(&conn).map(|conn| conn.listener) else {
            return;
        };
        let site = &self.sites[listener];
        if !site.is_up {
            return self.travel(conn, true, Event::Close { conn });
        }
        let life = site.life;
        if let Some(known) = self.conns.get_mut(&conn) {
            known.listener_life = Some(life);
        }
        self.travel(conn, true, Event::Stand { conn });
    }

    pub(super) fn stand(&mut self, conn: u64) {
        let Some(known) = self.conns.get_mut(&conn) else {
            return;
        };
        known.is_standing = true;
        let (site, connection) = (known.dialer, known.connection);
        let local_ip = IpAddr::V4(Ipv4Addr::new(10, 0, 0, site as u8 + 1));
        self.with_machine(site, |machine, view, out| {
            let input = Input::Connected {
                connection,
                local_ip,
            };
            machine.step(view, input, out);
        });
    }

    /// The dialer learns that a connection is gone.
    pub(super) fn lose(&mut self, conn: u64) {
        let Some(known) = self.conns.remove(&conn) else {
            return;
        };
        let Some(sentinel) = self.sentinel(known.dialer) else {
            return;
        };
        sentinel.connections.remove(&known.connection);
        self.with_machine(known.dialer, |machine, view, out| {
            let input = Input::Lost {
                connection: known.connection,
                why: "connection reset",
            };
            machine.step(view, input, out);
        });
    }

    pub(super) fn reply(&mut self, conn: u64, value: &Value) {
        let Some(known) = self.conns.get(&conn) else {
            return;
        };
        let (site, by, connection) = (known.dialer, known.listener, known.connection);
        if let Value::Array(parts) = value
            && let [Value::Integer(is_down), _, _, Value::Bulk(name)] = &parts[..]
        {
            // The name is the world's own note of what was asked; Sentinels do not send it.
            let name = String::from_utf8_lossy(name).into_owned();
            self.judge.word(site, by, &name, *is_down == 1, self.now_ms);
            let value = Value::Array(parts[..3].to_vec());
            return self.hand_over(site, connection, &value);
        }
        self.hand_over(site, connection, value);
    }

    pub(super) fn hand_over(&mut self, site: usize, connection: ConnectionId, value: &Value) {
        self.with_machine(site, |machine, view, out| {
            machine.step(view, Input::Reply { connection, value }, out);
        });
    }

    pub(super) fn request(&mut self, conn: u64, words: Words) {
        let Some(known) = self.conns.get(&conn) else {
            return;
        };
        let site = &self.sites[known.listener];
        if known.listener_life != Some(site.life) || !site.is_up {
            return self.travel(conn, true, Event::Close { conn });
        }
        let listener = known.listener;
        let value = match &site.tenant {
            Tenant::Node(_) => self.ask_node(listener, conn, words),
            Tenant::Sentinel(_) => self.ask_sentinel(listener, &words),
        };
        if let Some(value) = value {
            let raves = self.sites[listener].raves_until_ms > self.now_ms;
            let value = if raves { self.nonsense() } else { value };
            self.travel(conn, true, Event::Reply { conn, value });
        }
    }

    pub(super) fn nonsense(&mut self) -> Value {
        match self.draw(7) {
            0 => Value::Integer(-1),
            1 => Value::NullArray,
            2 => Value::Array(vec![Value::Integer(1), Value::Bulk(b"*".to_vec())]),
            3 => Value::Bulk(b"role:slave:master\r\nslave0:ip=,port=x\r\nrun_id:\r\n:".to_vec()),
            4 => Value::Error(b"ERR nonsense".to_vec()),
            5 => Value::Array(vec![
                Value::Integer(i64::MAX),
                Value::Bulk(vec![0xff; 40]),
                Value::Integer(-5),
            ]),
            _ => Value::Map(Vec::new()),
        }
    }
}
