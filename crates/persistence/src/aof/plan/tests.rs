use super::*;
use crate::aof::names::temporary_base;
use proptest::prelude::*;
use std::collections::BTreeMap;

/// The files of a node by their paths. What a file holds is told apart by a number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Disk(BTreeMap<String, Vec<u8>>);

impl Disk {
    fn perform(&mut self, action: &Action) {
        match action {
            Action::CreateFolder(_) | Action::SyncFolder(_) => {}
            Action::Create(path) => drop(self.0.insert(path.clone(), Vec::new())),
            Action::Write { path, bytes } => drop(self.0.insert(path.clone(), bytes.clone())),
            Action::Rename { from, to } => {
                let bytes = self.0.remove(from).expect("what is renamed is there");
                self.0.insert(to.clone(), bytes);
            }
            Action::Remove(path) => drop(self.0.remove(path)),
        }
    }

    fn perform_all(&mut self, actions: &[Action]) {
        actions.iter().for_each(|action| self.perform(action));
    }

    fn names_in(&self, folder: &str) -> Vec<String> {
        let paths = self.0.keys().filter_map(|path| path.strip_prefix(folder));
        paths
            .filter(|name| !name.contains('/'))
            .map(str::to_owned)
            .collect()
    }

    fn start(&self, names: &Names) -> Result<Plan, Refusal> {
        start(
            names,
            &Found {
                manifest: self
                    .0
                    .get(&names.path(&names.manifest()))
                    .map(Vec::as_slice),
                node_files: &self.names_in(""),
                files: &self.names_in("dir/"),
                enabled: true,
            },
        )
    }

    /// What a node loads that starts now.
    fn loaded(&self, names: &Names) -> Result<Vec<Vec<u8>>, Refusal> {
        let mut disk = self.clone();
        let plan = disk.start(names)?;
        disk.perform_all(&plan.actions);
        let parts = plan.manifest.parts().map(|part| names.path(&part.name));
        Ok(parts
            .map(|path| disk.0[&path].clone())
            .filter(|bytes| !bytes.is_empty())
            .collect())
    }

    fn manifest(&self) -> String {
        let bytes = self
            .0
            .get("dir/a.aof.manifest")
            .cloned()
            .unwrap_or_default();
        String::from_utf8(bytes).expect("the text is ASCII")
    }
}

fn names() -> Names {
    Names::new("dir", "a.aof")
}

/// A disk with these files, and a manifest of this text.
fn disk(files: &[(&str, &str)]) -> Disk {
    let files = files.iter();
    Disk(
        files
            .map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec()))
            .collect(),
    )
}

/// Performs a plan and checks that it may break off behind any step: a node that starts then
/// loads what it did before the plan, or what it does behind it.
#[track_caller]
fn perform(disk: &mut Disk, plan: &Plan) -> Manifest {
    let names = names();
    let before = disk.loaded(&names).expect("the set can be loaded");
    let mut steps = vec![disk.clone()];
    for action in &plan.actions {
        disk.perform(action);
        steps.push(disk.clone());
    }
    let after = disk.loaded(&names).expect("the set can be loaded");
    for step in steps {
        let loaded = step.loaded(&names).expect("the set can be loaded");
        assert!(loaded == before || loaded == after, "{step:?}");
    }
    plan.manifest.clone()
}

fn install(since: Since) -> Installed<'static> {
    Installed {
        path: "temp-rewriteaof-bg-1.aof",
        format: Format::Rdb,
        since,
    }
}

/// Writes a base and installs it.
fn rewrite(disk: &mut Disk, manifest: &Manifest, content: &str, since: Since) -> Manifest {
    disk.0
        .insert(temporary_base(1), content.as_bytes().to_vec());
    perform(disk, &manifest.install_base(&names(), install(since)))
}

fn log(disk: &mut Disk, manifest: &Manifest, content: &str) {
    let last = manifest.increments().last().expect("an increment is open");
    let file = disk
        .0
        .get_mut(&names().path(&last.name))
        .expect("the increment is there");
    file.extend_from_slice(content.as_bytes());
}

/// The manifests that redis-server 7.0.15 had behind the same steps.
#[test]
fn rewrites_as_observed() {
    let names = names();
    let mut disk = Disk::default();
    let plan = disk.start(&names).expect("an empty folder is fine");
    assert_eq!(plan, Plan::default());

    let manifest = rewrite(&mut disk, &plan.manifest, "", Since::Nothing);
    let manifest = perform(&mut disk, &manifest.open_increment(&names));
    assert_eq!(
        disk.manifest(),
        "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n"
    );

    // Two rewrites that failed, and one that did not.
    let manifest = perform(&mut disk, &manifest.open_increment(&names));
    let manifest = perform(&mut disk, &manifest.open_increment(&names));
    let manifest = perform(&mut disk, &manifest.open_increment(&names));
    let manifest = rewrite(&mut disk, &manifest, "x", Since::Increment(4));
    assert_eq!(
        disk.manifest(),
        "file a.aof.2.base.rdb seq 2 type b\n\
         file a.aof.1.incr.aof seq 1 type h\n\
         file a.aof.2.incr.aof seq 2 type h\n\
         file a.aof.3.incr.aof seq 3 type h\n\
         file a.aof.1.base.rdb seq 1 type h\n\
         file a.aof.4.incr.aof seq 4 type i\n"
    );

    // Off, on again.
    disk.perform_all(&open_temporary_increment(&names));
    let manifest = rewrite(&mut disk, &manifest, "y", Since::Temporary);
    assert_eq!(
        disk.manifest(),
        "file a.aof.3.base.rdb seq 3 type b\n\
         file a.aof.4.incr.aof seq 4 type h\n\
         file a.aof.2.base.rdb seq 2 type h\n\
         file a.aof.1.incr.aof seq 1 type h\n\
         file a.aof.2.incr.aof seq 2 type h\n\
         file a.aof.3.incr.aof seq 3 type h\n\
         file a.aof.1.base.rdb seq 1 type h\n\
         file a.aof.5.incr.aof seq 5 type i\n"
    );

    let plan = manifest.remove_history(&names).expect("there is history");
    let manifest = perform(&mut disk, &plan);
    assert_eq!(manifest.remove_history(&names), None);
    assert_eq!(
        disk.names_in("dir/"),
        ["a.aof.3.base.rdb", "a.aof.5.incr.aof", "a.aof.manifest"]
    );

    // A rewrite while the log is off.
    rewrite(&mut disk, &manifest, "z", Since::Nothing);
    assert_eq!(
        disk.manifest(),
        "file a.aof.4.base.rdb seq 4 type b\n\
         file a.aof.5.incr.aof seq 5 type h\n\
         file a.aof.3.base.rdb seq 3 type h\n"
    );
}

#[test]
fn a_single_file_becomes_the_base() {
    let mut disk = disk(&[("a.aof", "old")]);
    let plan = disk.start(&names()).expect("an old file is fine");
    let manifest = perform(&mut disk, &plan);
    assert_eq!(disk.manifest(), "file a.aof seq 1 type b\n");
    assert_eq!(disk.names_in("dir/"), ["a.aof", "a.aof.manifest"]);
    let manifest = perform(&mut disk, &manifest.open_increment(&names()));
    let manifest = rewrite(&mut disk, &manifest, "base", Since::Increment(1));
    let plan = manifest.remove_history(&names()).expect("there is history");
    perform(&mut disk, &plan);
    assert_eq!(
        disk.names_in("dir/"),
        ["a.aof.1.incr.aof", "a.aof.2.base.rdb", "a.aof.manifest"]
    );
}

#[test]
fn what_cannot_be_loaded_is_refused() {
    let listed = "file a.aof.1.base.rdb seq 1 type b\nfile a.aof.1.incr.aof seq 1 type i\n";
    let cases: [(&[(&str, &str)], &str); 4] = [
        (
            &[("dir/a.aof.manifest", listed), ("dir/a.aof.1.base.rdb", "")],
            "Unable to obtain the AOF file a.aof.1.incr.aof length. \
             stat: No such file or directory",
        ),
        (&[("dir/a.aof.manifest", "")], "Found an empty AOF manifest"),
        (
            &[("dir/a.aof.2.incr.aof", "x"), ("a.aof", "y")],
            "The AOF manifest file is missing, but there is a.aof.2.incr.aof: restore the \
             manifest, have ochre check-aof --rebuild-manifest make one of the files that are \
             there, or move these files away",
        ),
        (
            &[("dir/a.aof.manifest", "file a.aof seq 1 type b\n")],
            "Unable to obtain the AOF file a.aof length. stat: No such file or directory",
        ),
    ];
    for (files, expected) in cases {
        let refusal = disk(files)
            .start(&names())
            .map_err(|refusal| refusal.to_string());
        assert_eq!(refusal, Err(expected.to_owned()));
    }
}

#[test]
fn a_log_that_is_off_reads_the_manifest_alone() {
    let found = |manifest| Found {
        manifest,
        node_files: &[],
        files: &[],
        enabled: false,
    };
    let text = b"file gone seq 1 type i\n";
    let plan = start(&names(), &found(Some(text))).expect("nothing is loaded");
    assert_eq!(
        (plan.actions, plan.manifest.increments().len()),
        (vec![], 1)
    );
    assert!(start(&names(), &found(Some(b"x\n"))).is_err());
    assert_eq!(start(&names(), &found(None)), Ok(Plan::default()));
}

#[test]
fn leftovers_are_what_was_never_listed() {
    let mut disk = disk(&[
        ("dir/a.aof.manifest", "file a.aof.1.base.rdb seq 1 type b\n"),
        ("dir/a.aof.1.base.rdb", ""),
        ("dir/a.aof.2.base.rdb", ""),
        ("dir/a.aof.1.incr.aof", ""),
        ("dir/temp-a.aof.incr", ""),
        ("dir/temp-a.aof.manifest", ""),
        ("dir/notes", ""),
        ("dir/a.aof.9.incr.aof", ""),
        ("temp-7.rdb", ""),
        ("temp-rewriteaof-bg-7.aof", ""),
        ("dump.rdb", ""),
    ]);
    let manifest = disk
        .start(&names())
        .expect("the set can be loaded")
        .manifest;
    let (own, theirs) = (disk.names_in(""), disk.names_in("dir/"));
    disk.perform_all(&manifest.leftovers(&names(), &own, &theirs));
    assert_eq!(disk.names_in(""), ["dump.rdb"]);
    assert_eq!(
        disk.names_in("dir/"),
        [
            "a.aof.1.base.rdb",
            "a.aof.9.incr.aof",
            "a.aof.manifest",
            "notes"
        ]
    );
}

#[test]
fn history_alone_leaves_no_manifest_behind() {
    let mut disk = disk(&[
        ("dir/a.aof.manifest", "file x seq 1 type h\n"),
        ("dir/x", "old"),
    ]);
    let manifest = disk
        .start(&names())
        .expect("nothing is to be loaded")
        .manifest;
    let plan = manifest.remove_history(&names()).expect("there is history");
    perform(&mut disk, &plan);
    assert_eq!(disk, Disk::default());
}

#[test]
fn a_name_in_history_is_not_given_again() {
    let text = b"file a.aof.8.base.rdb seq 8 type b\nfile a.aof.7.incr.aof seq 7 type h\n\
                 file a.aof.9.base.rdb seq 9 type h\n";
    let manifest = Manifest::parse(text).expect("a manifest");
    assert_eq!(manifest.next_increment(&names()).name, "a.aof.8.incr.aof");
    assert_eq!(
        manifest.next_base(&names(), Format::Commands).name,
        "a.aof.10.base.aof"
    );
}

/// Something a node does to its log.
#[derive(Clone, Copy, Debug)]
enum Step {
    Log,
    /// With the log on, or switching it on.
    Rewrite,
    RewriteFails,
    RemoveHistory,
    SwitchOff,
    /// A node starts on what is there; how far its predecessor came in a rewrite it was at.
    Crash(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => Just(Step::Log),
        2 => Just(Step::Rewrite),
        1 => Just(Step::RewriteFails),
        1 => Just(Step::RemoveHistory),
        1 => Just(Step::SwitchOff),
        2 => (0..12_usize).prop_map(Step::Crash),
    ]
}

/// A node whose data is the list of numbers it was told, and which keeps it in its log.
struct Node {
    disk: Disk,
    manifest: Manifest,
    on: bool,
    data: String,
}

impl Node {
    fn new(old: Option<&str>) -> Node {
        let files: Vec<_> = old.iter().map(|text| ("a.aof", *text)).collect();
        let mut node = Node {
            disk: disk(&files),
            manifest: Manifest::default(),
            on: true,
            data: String::new(),
        };
        node.start();
        node
    }

    fn start(&mut self) {
        let names = names();
        let loaded = self.disk.loaded(&names).expect("the set can be loaded");
        self.data = String::from_utf8(loaded.concat()).expect("what was logged");
        let plan = self.disk.start(&names).expect("the set can be loaded");
        self.manifest = perform(&mut self.disk, &plan);
        if self.manifest.is_empty() {
            self.manifest = rewrite(&mut self.disk, &self.manifest, "", Since::Nothing);
        }
        if self.manifest.increments().is_empty() {
            self.manifest = perform(&mut self.disk, &self.manifest.open_increment(&names));
        }
        self.remove_history();
        let (own, theirs) = (self.disk.names_in(""), self.disk.names_in("dir/"));
        self.disk
            .perform_all(&self.manifest.leftovers(&names, &own, &theirs));
        self.on = true;
    }

    fn remove_history(&mut self) {
        if let Some(plan) = self.manifest.remove_history(&names()) {
            self.manifest = perform(&mut self.disk, &plan);
        }
    }

    /// What is to be performed of a rewrite, one plan behind the other.
    fn rewrite(&mut self) -> Plan {
        let since = match self.on {
            true => {
                self.manifest = perform(&mut self.disk, &self.manifest.open_increment(&names()));
                let last = self.manifest.increments().last().expect("one was opened");
                Since::Increment(last.sequence)
            }
            false => {
                self.disk.perform_all(&open_temporary_increment(&names()));
                Since::Temporary
            }
        };
        self.disk
            .0
            .insert(temporary_base(1), self.data.clone().into_bytes());
        self.manifest.install_base(&names(), install(since))
    }

    fn step(&mut self, step: Step, number: usize) {
        match step {
            Step::Log => {
                if self.on {
                    let text = format!("{number},");
                    log(&mut self.disk, &self.manifest, &text);
                    self.data += &text;
                }
            }
            Step::Rewrite => {
                let plan = self.rewrite();
                self.manifest = perform(&mut self.disk, &plan);
                self.on = true;
            }
            Step::RewriteFails => {
                let was_on = self.on;
                self.rewrite();
                if !was_on {
                    self.disk.perform(&abandon_temporary_increment(&names()));
                }
            }
            Step::RemoveHistory => self.remove_history(),
            Step::SwitchOff => self.on = false,
            Step::Crash(performed) => {
                let plan = self.rewrite();
                let performed = performed.min(plan.actions.len());
                self.disk.perform_all(&plan.actions[..performed]);
                let data = self.data.clone();
                self.start();
                assert_eq!(self.data, data, "nothing is lost and nothing comes twice");
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_ever_lost(
        old in proptest::option::of("[0-9],"),
        steps in proptest::collection::vec(any_step(), 0..25),
    ) {
        let mut node = Node::new(old.as_deref());
        prop_assert_eq!(&node.data, &old.unwrap_or_default());
        for (number, step) in steps.into_iter().enumerate() {
            node.step(step, number);
        }
        let data = node.data.clone();
        node.start();
        prop_assert_eq!(node.data, data);
    }
}
