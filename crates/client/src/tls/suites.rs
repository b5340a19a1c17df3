//! Names of cipher suites, in the words of OpenSSL's lists.

use rustls::SupportedCipherSuite;

pub(super) fn is_named(word: &str, suite: &SupportedCipherSuite) -> bool {
    same_suite(word, &format!("{:?}", suite.suite()))
}

/// Whether a list of OpenSSL's leaves a suite in. Each word adds to what the ones before chose, or
/// takes away; those for groups of suites stand for all here, as only safe ones are known.
pub(super) fn is_listed(list: &[String], suite: &SupportedCipherSuite) -> bool {
    let mut is_in = false;
    for word in list {
        match word.strip_prefix(['-', '!']) {
            Some(name) if is_named(name, suite) => is_in = false,
            Some(_) => {}
            None if matches!(word.as_str(), "ALL" | "DEFAULT" | "HIGH") => is_in = true,
            None => is_in |= is_named(word, suite),
        }
    }
    is_in
}

/// Whether OpenSSL's or the standard's name of a suite is this one's: `TLS_AES_128_GCM_SHA256`,
/// `ECDHE-RSA-AES128-GCM-SHA256`.
fn same_suite(written: &str, name: &str) -> bool {
    let letters = |text: &str| -> String {
        let text = text.to_ascii_uppercase();
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.collect()
    };
    let plain = |text: &str| {
        let text = letters(text).replace("WITH", "");
        let text = text.strip_prefix("TLS13").unwrap_or(&text).to_owned();
        let text = text.strip_prefix("TLS").unwrap_or(&text).to_owned();
        text.replace("POLY1305SHA256", "POLY1305")
    };
    plain(written) == plain(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suites_are_known_by_either_name() {
        let gcm = "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
        assert!(same_suite("ECDHE-RSA-AES128-GCM-SHA256", gcm));
        assert!(same_suite(gcm, gcm));
        assert!(same_suite(
            "TLS_AES_256_GCM_SHA384",
            "TLS13_AES_256_GCM_SHA384"
        ));
        let chacha = "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
        assert!(same_suite("ECDHE-RSA-CHACHA20-POLY1305", chacha));
        assert!(!same_suite("ECDHE-RSA-AES256-GCM-SHA384", gcm));
    }
}
