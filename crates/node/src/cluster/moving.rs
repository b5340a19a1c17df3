//! Slots that move as a whole, as commands ask for it and as threads perform it.

use std::sync::Arc;

use ::cluster::{NodeId, Refused};
use engine::host::{SlotImport, SlotMove, SlotMoveRow, SlotMover};
use engine::{Engine, Worker};

use super::Cluster;
use super::export::Exporter;
use super::mover::Job;

impl Cluster {
    /// Runs a migration that leaves, to its end. Takes as long as that takes.
    pub fn export(&self, engine: &Engine, job: &Arc<Job>) {
        Exporter::new(engine, self, job, self.myself()).run();
        self.mover.end(job);
    }

    fn myself(&self) -> NodeId {
        self.core.lock().machine().myself()
    }

    /// Deletes the hidden keys that no migration needs, if that is this node's to do.
    pub(super) fn delete_forsaken(&self, engine: &Engine, worker: &mut Worker) {
        if engine.standing.is_replica() {
            return;
        }
        let mut forsaken = engine.hidden_slots();
        forsaken.extend(self.mover.take_doomed());
        for slot in forsaken {
            self.delete_slot(engine, worker, slot);
        }
    }

    pub(super) fn delete_slot(&self, engine: &Engine, worker: &mut Worker, slot: u16) {
        let is_coming = |slot| self.mover.is_coming(slot);
        while engine.delete_from_slot(worker, slot, &is_coming) {}
    }
}

impl SlotMover for Cluster {
    fn begin_exports(&self, engine: &Engine, moves: Vec<SlotMove>) {
        let me = self.myself();
        for job in self.mover.begin(engine, me, moves) {
            self.with_shell(|shell| shell.begin_export(job));
        }
    }

    fn cancel_exports(&self, engine: &Engine) {
        self.mover.cancel(engine);
    }

    fn leaving(&self) -> Vec<u16> {
        self.mover.leaving().into_iter().collect()
    }

    fn rows(&self, _engine: &Engine) -> Vec<SlotMoveRow> {
        self.mover.rows()
    }

    fn begin_import(&self, engine: &Engine, name: &str, import: SlotImport) -> Result<(), Refused> {
        let me = self.myself();
        self.mover.begin_import(engine, me, name, import)
    }

    fn receive(
        &self,
        engine: &Engine,
        worker: &mut Worker,
        name: &str,
        commands: &[u8],
    ) -> Result<(), Refused> {
        let received = self.mover.receive(engine, worker, name, commands);
        if received.is_err() {
            self.with_shell(|shell| shell.call_hands());
        }
        received
    }

    fn finish_import(&self, engine: &Engine, name: &str) -> Result<SlotImport, Refused> {
        let finished = self.mover.finish(engine, name);
        if finished.is_err() {
            self.with_shell(|shell| shell.call_hands());
        }
        finished
    }

    fn note_taken(&self, engine: &Engine, name: &str, refused: Option<&Refused>) {
        let why = refused.map(|refused| refused.0.as_str());
        self.mover.note_taken(engine, name, why);
        if refused.is_some() {
            self.with_shell(|shell| shell.call_hands());
        }
    }

    fn drop_import(&self, engine: &Engine, name: &str) {
        self.mover
            .drop_import(engine, name, "The source has given up");
        self.with_shell(|shell| shell.call_hands());
    }
}
