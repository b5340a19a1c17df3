//! Tells everybody who owns a slot, one slot after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::mpsc::{Receiver, Sender};
use tokio::time::sleep;

use super::{ATTEMPTS_MAX, Common, Event, Failure, back_off};
use crate::link::{Link, Trouble};
use crate::plan::Move;
use crate::words;

/// What a node answers that has given its last slot away and replicates its taker by now.
const BECAME_REPLICA: &str = "ERR Please use SETSLOT only with masters.";

struct Notary {
    common: Arc<Common>,
    events: Sender<Event>,
    links: Vec<Link>,
}

/// Tells of every slot whose keys have arrived. Goes on after others have failed: these have not.
pub async fn run(common: Arc<Common>, mut slots: Receiver<Move>, events: Sender<Event>) {
    let links = common.places.iter();
    let links = links.map(|place| Link::new(place.clone(), &common.access));
    let mut notary = Notary {
        links: links.collect(),
        common,
        events,
    };
    while let Some(step) = slots.recv().await {
        let event = match notary.tell_all(step).await {
            Ok(()) => Event::Done(step),
            Err(failure) => {
                notary.common.stopped.store(true, Ordering::Relaxed);
                Event::Failed { step, failure }
            }
        };
        // Whoever no longer listens has ended.
        drop(notary.events.send(event).await);
    }
}

impl Notary {
    /// The target first, which takes the slot with a new epoch, then who had it, then the others.
    async fn tell_all(&mut self, step: Move) -> Result<(), Failure> {
        let others = self.common.primaries.clone();
        let others = others
            .into_iter()
            .filter(|node| *node != step.source && *node != step.target);
        self.tell(step, step.target).await?;
        self.tell(step, step.source).await?;
        for node in others {
            self.tell(step, node).await?;
        }
        Ok(())
    }

    async fn tell(&mut self, step: Move, node: usize) -> Result<(), Failure> {
        let owner = &self.common.ids[step.target];
        let words = words!["CLUSTER", "SETSLOT", step.slot, "NODE", owner];
        let mut attempt = 0;
        loop {
            match self.links[node].ask(&words).await {
                Ok(_) => return Ok(()),
                Err(Trouble::Refused(text))
                    if node != step.target && text.starts_with(BECAME_REPLICA) =>
                {
                    return Ok(());
                }
                Err(trouble) if trouble.passes() && attempt < ATTEMPTS_MAX => {
                    let (slot, reason) = (step.slot, trouble.to_string());
                    drop(self.events.send(Event::Waiting { slot, reason }).await);
                    sleep(back_off(attempt)).await;
                    attempt += 1;
                }
                Err(trouble) => return Err(self.common.trouble(node, trouble)),
            }
        }
    }
}
