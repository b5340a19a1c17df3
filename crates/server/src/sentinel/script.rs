//! Scripts: programs of the operator's that are told what has happened.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use parking_lot::Mutex;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use sentinel::{Input, ScriptEnd, ScriptId};

/// The scripts that run.
#[derive(Default)]
pub struct Scripts(Mutex<BTreeSet<u32>>);

/// Whether a file is there and may be run.
pub fn can_run(path: &[u8]) -> bool {
    let path = Path::new(OsStr::from_bytes(path));
    std::fs::metadata(path)
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

impl Scripts {
    /// Starts a script, and tells of its start and its end.
    pub fn run(
        scripts: &Arc<Scripts>,
        script: ScriptId,
        path: &[u8],
        args: &[Vec<u8>],
        tell: impl Fn(Input<'_>) + Send + 'static,
    ) {
        let mut command = Command::new(OsStr::from_bytes(path));
        command.args(args.iter().map(|arg| OsStr::from_bytes(arg)));
        command.stdin(Stdio::null());
        let scripts = Arc::clone(scripts);
        // The machine is in the midst of a step: it is told from elsewhere.
        let attend = move || {
            let child = command.spawn().ok();
            let pid = child.as_ref().map(Child::id);
            scripts.0.lock().extend(pid);
            tell(Input::ScriptStarted { script, pid });
            if let Some(child) = child {
                let end = scripts.wait(child);
                tell(Input::ScriptEnded { script, end });
            }
        };
        // Without a thread the script never ends, and is given up as one that hangs.
        drop(
            std::thread::Builder::new()
                .name("ochre-script".to_owned())
                .spawn(attend),
        );
    }

    fn wait(&self, mut child: Child) -> ScriptEnd {
        let id = Pid::from_child(&child);
        // Its number is its own until it is waited for; before, nobody may take it for alive.
        let left = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        while waitid(WaitId::Pid(id), left).is_err_and(|error| error == rustix::io::Errno::INTR) {}
        self.0.lock().remove(&child.id());
        match child.wait() {
            Ok(status) => match (status.code(), status.signal()) {
                (Some(code), _) => ScriptEnd::Exited(code),
                (None, signal) => ScriptEnd::Killed(signal.unwrap_or_default()),
            },
            Err(_) => ScriptEnd::Exited(1),
        }
    }

    pub fn kill(&self, pid: u32) {
        let running = self.0.lock();
        if let Some(id) = Pid::from_raw(pid as i32).filter(|_| running.contains(&pid)) {
            // It may have ended this very moment.
            let _ = kill_process(id, Signal::KILL);
        }
    }
}
