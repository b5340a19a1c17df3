//! `--cluster` and what belongs to it. The words are read here and understood by the manager.

use super::{Mode, Options, UsageError, flag};

/// What the cluster manager is asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cluster {
    /// The command and its arguments.
    pub words: Vec<Vec<u8>>,
}

/// The name of an option behind `--cluster-`, and its values.
pub type Setting = (String, Vec<Vec<u8>>);

pub const ONE_LIST: &str = "\
WARNING: you cannot use --cluster-weight more than once.
You can set more weights by adding them as a space-separated list, ie:
--cluster-weight n1=w n2=w";

const PREFIX: &[u8] = b"--cluster-";

const SWITCHES: &[&str] = &[
    "copy",
    "dry-run",
    "fix-with-unreachable-masters",
    "from-askpass",
    "json",
    "only-masters",
    "only-replicas",
    "replace",
    "resume",
    "search-multiple-owners",
    "simulate",
    "slave",
    "use-empty-masters",
    "yes",
];

const WITH_VALUE: &[&str] = &[
    "from",
    "from-pass",
    "from-user",
    "master-id",
    "pipeline",
    "replicas",
    "slots",
    "threshold",
    "timeout",
    "to",
];

/// Reads a word that belongs to the manager, and returns how many words behind it do.
pub fn read(
    options: &mut Options,
    word: &[u8],
    behind: &[Vec<u8>],
) -> Result<Option<usize>, UsageError> {
    if word == b"--cluster" {
        return begin(options, behind).map(Some);
    }
    if let Some(name) = word.strip_prefix(PREFIX) {
        return set(options, word, name, behind).map(Some);
    }
    // Arguments may stand behind options, if there are none before.
    if let Mode::Cluster(cluster) = &mut options.mode
        && !word.starts_with(b"-")
    {
        let used = plain(behind);
        if cluster.words.len() < 2 {
            cluster.words.push(word.to_vec());
            cluster.words.extend_from_slice(&behind[..used]);
        }
        return Ok(Some(used));
    }
    Ok(None)
}

fn begin(options: &mut Options, behind: &[Vec<u8>]) -> Result<usize, UsageError> {
    if behind.is_empty() || matches!(options.mode, Mode::Cluster(_)) {
        return Err(UsageError::Cluster);
    }
    let used = 1 + plain(&behind[1..]);
    options.mode = Mode::Cluster(Cluster {
        words: behind[..used].to_vec(),
    });
    Ok(used)
}

fn set(
    options: &mut Options,
    word: &[u8],
    name: &[u8],
    behind: &[Vec<u8>],
) -> Result<usize, UsageError> {
    let name = String::from_utf8_lossy(name).into_owned();
    let used = match name.as_str() {
        "weight" if has(options, "weight") => return Err(UsageError::ClusterWeights),
        "weight" => plain(behind),
        other if SWITCHES.contains(&other) => 0,
        other if WITH_VALUE.contains(&other) && !behind.is_empty() => 1,
        _ => return Err(UsageError::Unrecognized(word.to_vec())),
    };
    options
        .cluster_settings
        .push((name, behind[..used].to_vec()));
    Ok(used)
}

fn has(options: &Options, name: &str) -> bool {
    options.cluster_settings.iter().any(|(own, _)| own == name)
}

/// How many words come before the next option.
fn plain(words: &[Vec<u8>]) -> usize {
    let plain = words.iter().take_while(|word| !word.starts_with(b"-"));
    plain.count()
}

/// Options that say how to connect, and are the same for every program.
const CONNECTING: &[&[u8]] = &[
    b"-a",
    b"--pass",
    b"--user",
    b"--askpass",
    b"--no-auth-warning",
    b"-t",
    b"-4",
    b"-6",
    b"--tls",
    b"--insecure",
    b"--sni",
    b"--cacert",
    b"--cacertdir",
    b"--cert",
    b"--key",
    b"--tls-ciphers",
    b"--tls-ciphersuites",
    b"--verbose",
];

/// Takes options that say how to connect out of another program's words. What stands behind
/// `call`, an address and a command is that command's own.
pub fn entry(words: &[Vec<u8>]) -> Result<(Options, Vec<Vec<u8>>), UsageError> {
    let mut options = Options::default();
    let mut others: Vec<Vec<u8>> = Vec::new();
    let mut rest = words;
    while let [word, behind @ ..] = rest {
        let plain = others.iter().filter(|word| !word.starts_with(b"-")).count();
        let calls = plain > 2 && others.iter().any(|word| word == b"call");
        let used = match CONNECTING.contains(&word.as_slice()) && !calls {
            true => flag::read(&mut options, word, behind)?,
            false => {
                others.push(word.clone());
                0
            }
        };
        rest = &behind[used..];
    }
    Ok((options, others))
}
