//! Users of the servers: clients say who they are, servers say whether that is right, and what a
//! client asks for goes over connections on which its user has said the same.
//!
//! ```text
//!   client ── AUTH app secret ─▶ proxy ── AUTH app secret ─▶ a server ── +OK ─▶ client
//!   client ── GET k ─▶ a lane of app's ── AUTH app secret, once ─▶ server of k: may app read k?
//! ```
//!
//! Rights are the servers' alone; the proxy knows nothing of them. Clients of one user share
//! connections as all clients of a pool do.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use resp::value::Value;
use tokio::time::timeout;

use crate::client::Client;
use crate::sentinel::Conversation;

/// Whose a connection to a server is: a place in the [`Register`], behind those that are fixed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Identity(u32);

impl Identity {
    /// The pool's own, with the password that it was given for servers.
    pub const POOL: Identity = Identity(0);
    /// A client's that has said nothing.
    pub const NOBODY: Identity = Identity(1);
    const FIXED: usize = 2;
}

/// A name and a password that a server has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub name: Vec<u8>,
    pub password: Vec<u8>,
}

/// The users that have been here. Only those whom servers know get in.
#[derive(Debug, Default)]
pub struct Register(RefCell<Vec<Rc<Credentials>>>);

impl Register {
    pub fn enter(&self, credentials: &Credentials) -> Identity {
        let mut users = self.0.borrow_mut();
        let known = users.iter().position(|known| **known == *credentials);
        let place = known.unwrap_or_else(|| {
            users.push(Rc::new(credentials.clone()));
            users.len() - 1
        });
        Identity((place + Identity::FIXED) as u32)
    }

    pub fn credentials(&self, identity: Identity) -> Option<Rc<Credentials>> {
        let place = (identity.0 as usize).checked_sub(Identity::FIXED)?;
        self.0.borrow().get(place).cloned()
    }
}

/// A client at the door.
#[derive(Debug, Default)]
pub struct Door {
    /// Whether a server is being asked.
    pub busy: Cell<bool>,
    /// What it said, or its refusal.
    pub verdict: RefCell<Option<Result<(), String>>>,
}

/// How long a server may take to tell.
const PATIENCE: Duration = Duration::from_secs(5);

/// Asks the first server that answers whether this is a user, and then wakes the client.
pub async fn knock(client: Rc<Client>, door: Rc<Door>, user: Credentials) {
    let pool = &client.backend.pool;
    let mut verdict = Err("ERR no server can be asked who that is".to_owned());
    for server in &client.backend.view().servers {
        let asking = async {
            let mut server = Conversation::begin(&server.address, pool.connector.as_ref()).await?;
            let words: [&[u8]; 3] = [b"AUTH", &user.name, &user.password];
            server.ask_bytes(&words).await
        };
        match timeout(PATIENCE, asking).await {
            Ok(Ok(Value::Error(text))) => {
                verdict = Err(String::from_utf8_lossy(&text).into_owned());
                break;
            }
            Ok(Ok(_)) => {
                verdict = Ok(());
                break;
            }
            // The next one may be there.
            Ok(Err(_)) | Err(_) => {}
        }
    }
    *door.verdict.borrow_mut() = Some(verdict);
    door.busy.set(false);
    client.wake();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_who_they_were() {
        let register = Register::default();
        let user = |name: &str, password: &str| Credentials {
            name: name.as_bytes().to_vec(),
            password: password.as_bytes().to_vec(),
        };
        let app = register.enter(&user("app", "a"));
        let changed = register.enter(&user("app", "b"));
        assert_eq!(register.enter(&user("app", "a")), app);
        assert_ne!(app, changed);
        assert_eq!(*register.credentials(changed).unwrap(), user("app", "b"));
        for fixed in [Identity::POOL, Identity::NOBODY] {
            assert_eq!(register.credentials(fixed), None);
        }
    }
}
