//! Saving all data to the snapshot file, in steps.
//!
//! ```text
//!   write … write ─▶ sync ─▶ rename ─▶ sync the folder
//!   temp-PID.rdb            dump.rdb
//! ```

use std::sync::Arc;

use persistence::aof::names::temporary_snapshot;

use crate::draft::Draft;
use crate::storage::{Failure, Storage};

/// Writes the snapshot file.
pub struct SaveJob {
    draft: Draft,
    target: String,
    stage: Stage,
    buffer: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Write,
    Sync,
    Rename,
    SyncFolder,
    Done,
}

impl SaveJob {
    pub fn begin(
        storage: &Arc<dyn Storage>,
        process: u32,
        target: &str,
        incremental: bool,
    ) -> Result<SaveJob, Failure> {
        Ok(SaveJob {
            draft: Draft::begin(storage, &temporary_snapshot(process), incremental)?,
            target: target.to_owned(),
            stage: Stage::Write,
            buffer: Vec::new(),
        })
    }

    /// Does a part of the work, and returns whether there is more. `produce` appends a piece of the
    /// snapshot, and returns whether there is more of it.
    pub fn step(&mut self, produce: &mut dyn FnMut(&mut Vec<u8>) -> bool) -> Result<bool, Failure> {
        self.stage = match self.stage {
            Stage::Write => {
                self.buffer.clear();
                let more = produce(&mut self.buffer);
                self.draft.write(&self.buffer)?;
                if more { Stage::Write } else { Stage::Sync }
            }
            Stage::Sync => {
                self.draft.sync()?;
                Stage::Rename
            }
            Stage::Rename => {
                self.draft.rename(&self.target)?;
                Stage::SyncFolder
            }
            Stage::SyncFolder => {
                self.draft.sync_folder()?;
                Stage::Done
            }
            Stage::Done => Stage::Done,
        };
        Ok(self.stage != Stage::Done)
    }

    /// Gives up. The old file stays, unless the new one has its name already.
    pub fn abandon(self) -> Result<(), Failure> {
        match self.stage {
            Stage::SyncFolder | Stage::Done => Ok(()),
            _ => self.draft.abandon(),
        }
    }
}
