use super::*;

fn of(protocols: &str) -> Result<Versions, String> {
    versions(&Text::from(protocols))
}

#[test]
fn versions_are_chosen_among_the_safe_ones() {
    assert_eq!(of(""), Ok(Versions::Both));
    assert_eq!(of("TLSv1.3"), Ok(Versions::Only13));
    assert_eq!(of("tlsv1 tlsv1.2"), Ok(Versions::Only12));
    assert_eq!(of("TLSv1.2 TLSv1.3"), Ok(Versions::Both));
    assert_eq!(of("TLSv1 TLSv1.1"), Err(OLD_VERSIONS.to_owned()));
    assert_eq!(of("SSLv3"), Err(NO_VERSION.to_owned()));
}

#[test]
fn what_is_missing_is_said_before_anything_is_read() {
    let mut config = Config::default();
    let encryption = Encryption::default();
    config.tls.cert_file = Text::from("/nowhere/own.crt");
    // Nobody needs it.
    assert_eq!(encryption.load(&config), Ok(()));
    config.tls.port = 1;
    let why = "No tls-key-file configured!".to_owned();
    assert_eq!(encryption.load(&config), Err(why));
    config.tls.key_file = Text::from("/nowhere/own.key");
    let why = "Failed to load certificate: /nowhere/own.crt: No such file or directory".to_owned();
    assert_eq!(encryption.load(&config), Err(why));
    config.tls.port = 0;
    config.tls.replication = true;
    config.tls.cert_file = Text::default();
    let why = "No tls-cert-file configured!".to_owned();
    assert_eq!(encryption.load(&config), Err(why));
    assert!(encryption.acceptor(TlsClients::No).is_none());
}
