//! The configuration file, with what is known written into it.
//!
//! The operator's comments, directives and order stay. A statement takes the place of one that
//! begins with the same word; what finds no place goes to the end.

use config::Config;

/// The text of `old`, changed to say `config` and `statements`
/// ([`Machine::statements`](crate::Machine::statements)).
pub fn rewrite(old: &[u8], config: &Config, statements: Vec<Vec<Vec<u8>>>) -> Vec<u8> {
    let mut config = config.clone();
    config.sentinel.statements.0 = statements;
    config::rewrite(old, &config, false)
}
