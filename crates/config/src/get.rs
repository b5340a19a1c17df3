//! CONFIG GET: values by name or pattern.

use crate::directive::Mutability;
use crate::settings::Config;
use crate::table::directives;
use stdx::glob;

impl Config {
    /// The directives any of the patterns names, each once. A name is matched whatever its case
    /// and answered as it was asked for; only a name finds hidden directives.
    pub fn get(&self, patterns: &[&[u8]]) -> Vec<(String, Vec<u8>)> {
        let mut found: Vec<(String, Vec<u8>)> = Vec::new();
        for &pattern in patterns {
            let is_name = !pattern.iter().any(|byte| b"*?[".contains(byte));
            for directive in directives() {
                if directive.mutability == Mutability::FileOnly || directive.hidden && !is_name {
                    continue;
                }
                for name in directive.names() {
                    if !glob_or_name(pattern, name, is_name)
                        || found
                            .iter()
                            .any(|(known, _)| known.eq_ignore_ascii_case(name))
                    {
                        continue;
                    }
                    let shown = match is_name {
                        true => String::from_utf8_lossy(pattern).into_owned(),
                        false => name.to_owned(),
                    };
                    found.push((shown, directive.field.get(self)));
                }
            }
        }
        found
    }
}

fn glob_or_name(pattern: &[u8], name: &str, is_name: bool) -> bool {
    match is_name {
        true => name.as_bytes().eq_ignore_ascii_case(pattern),
        false => glob::matches(pattern, name.as_bytes(), true),
    }
}
