//! `help`, in the words of each name.

use super::{Errand, Outcome};
use crate::request::table::{COMMANDS, Row, trib_rows};
use crate::voice::Dialect;

impl Errand {
    pub fn help(&self) -> Outcome {
        self.voice.write(&usage(self.voice.dialect));
        match self.voice.dialect {
            // It has always ended so, and scripts may have come to expect it.
            Dialect::Cli => Outcome::Usage,
            Dialect::Trib | Dialect::Ochre => Outcome::Done,
        }
    }
}

/// How the program is used.
pub fn usage(dialect: Dialect) -> String {
    match dialect {
        Dialect::Ochre => ours(),
        Dialect::Cli => cli(),
        Dialect::Trib => trib(),
    }
}

fn cli() -> String {
    let mut text = "Cluster Manager Commands:\n".to_owned();
    let rows = COMMANDS
        .iter()
        .filter(|row| crate::request::Command::by_name(row.name, Dialect::Cli).is_some());
    for Row {
        name,
        words,
        options,
        ..
    } in rows
    {
        text += &format!("  {name:<15}{words}\n");
        for option in *options {
            text += &format!("{:17}--cluster-{option}\n", "");
        }
    }
    text += "\nFor check, fix, reshard, del-node, set-timeout, info, rebalance, call, import, \
             backup you can specify the host and port of any working node in the cluster.\n\n\
             Cluster Manager Options:\n  \
             --cluster-yes  Automatic yes to cluster commands prompts\n\n";
    text
}

fn trib() -> String {
    let mut text = "Usage: redis-trib <command> <options> <arguments ...>\n\n".to_owned();
    for row in trib_rows() {
        text += &format!("  {:<15} {}\n", row.name, row.trib_words);
        for option in row.trib_options {
            text += &format!("{:18}--{option}\n", "");
        }
    }
    text += "\nFor check, fix, reshard, del-node, set-timeout you can specify the host and port \
             of any working node in the cluster.\n";
    text
}

fn ours() -> String {
    let mut text = "Usage: ochre cluster COMMAND [OPTIONS] ARGUMENTS\n\nCommands:\n".to_owned();
    for row in COMMANDS {
        let words = match row.words.starts_with('<') {
            true => "host:port",
            false => row.words,
        };
        text += &format!("  {:<12} {words}\n      {}\n", row.name, row.summary);
    }
    text += "  local        start|create|stop|watch|tail|call|clean ...\n      \
             a cluster on this machine; 'ochre cluster local' tells more\n";
    text += "\nOptions of every command\n  \
             --json               the result as a document; everything else beside it\n  \
             --dry-run            say what would be done, and do nothing\n  \
             --yes                ask nothing\n  \
             --patience SECONDS   how long nodes may take to agree (60)\n\n\
             Options of commands that move slots\n  \
             --timeout MS         how long a node waits for another (60000)\n  \
             --pipeline N         how many keys go at once; as many as take little time\n  \
             --replace            replace keys that are there already and differ\n\n\
             Options of import\n  \
             --from HOST:PORT     the source; with --from-askpass or --from-pass PASSWORD,\n  \
             \x20                    and --from-user NAME\n  \
             --live               follow a source that is written, then hand over\n  \
             --db N[=PREFIX]      only these dbs, their keys with a prefix; several times\n  \
             --copy               leave keys at the source, unless it is followed anyway\n  \
             --journal FILE       how far it is; a run that was killed goes on from there\n\n\
             Where to connect: -a PASSWORD, --user NAME, --askpass, --tls and its options,\n\
             -4, -6, -t SECONDS\n\n\
             Ends with 0 when all is well, 1 when asked in a wrong way, 2 when the cluster\n\
             is not well, 3 when some of it is done.\n";
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_help_fits_a_terminal() {
        for line in ours().lines() {
            assert!(line.chars().count() < 80, "{line}");
        }
    }
}
