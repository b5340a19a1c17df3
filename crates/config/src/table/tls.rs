//! Encrypted connections: the directives, one row each.

use crate::directive::{Directive, Effect, Limits, field};

pub(crate) static TLS: &[Directive] = &[
    Directive {
        name: "tls-port",
        doc: "TCP port to listen on for TLS. 0 means none.",
        field: &field!(tls.port),
        effect: Effect::RebindTls,
        limits: Limits::PORT,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-cluster",
        doc: "Encrypt the cluster bus, and keys that move to other nodes.",
        field: &field!(tls.cluster),
        effect: Effect::ReloadTls,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-replication",
        doc: "Encrypt the link to the primary; of a Sentinel, its links to everybody.",
        field: &field!(tls.replication),
        effect: Effect::ReloadTls,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-auth-clients",
        doc: "Whether a TLS client must show a certificate.",
        field: &field!(tls.clients),
        ..Directive::LIVE
    },
    Directive {
        name: "tls-prefer-server-ciphers",
        doc: "Choose ciphers in the server's order of preference.",
        field: &field!(tls.prefer_server_ciphers),
        effect: Effect::ReloadTls,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-session-caching",
        doc: "Let clients resume sessions.",
        field: &field!(tls.session_caching),
        effect: Effect::ReloadTls,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-session-cache-size",
        doc: "Sessions kept for resumption. 0 means no limit.",
        field: &field!(tls.session_cache_size),
        effect: Effect::ReloadTls,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-session-cache-timeout",
        doc: "Seconds a session can be resumed.",
        field: &field!(tls.session_cache_timeout),
        effect: Effect::ReloadTls,
        limits: Limits::COUNT,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-cert-file",
        doc: "Certificate of the server.",
        field: &field!(tls.cert_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-key-file",
        doc: "Private key of the server's certificate.",
        field: &field!(tls.key_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-key-file-pass",
        doc: "Password of the server's private key, if that is encrypted as PKCS #8.",
        field: &field!(tls.key_password),
        effect: Effect::ReloadTls,
        volatile: true,
        sensitive: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-client-cert-file",
        doc: "Certificate shown when this node connects to others.",
        field: &field!(tls.client_cert_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-client-key-file",
        doc: "Private key of that certificate.",
        field: &field!(tls.client_key_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-client-key-file-pass",
        doc: "Password of that private key, if it is encrypted as PKCS #8.",
        field: &field!(tls.client_key_password),
        effect: Effect::ReloadTls,
        volatile: true,
        sensitive: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-dh-params-file",
        doc: "Parameters of a Diffie-Hellman key exchange. Without effect: no cipher needs any.",
        field: &field!(tls.dh_params_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-ca-cert-file",
        doc: "Certificates that peers are verified with.",
        field: &field!(tls.ca_cert_file),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-ca-cert-dir",
        doc: "Directory of certificates that peers are verified with.",
        field: &field!(tls.ca_cert_dir),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-protocols",
        doc: "Protocol versions to accept: TLSv1.2, TLSv1.3, or if empty both. None before them.",
        field: &field!(tls.protocols),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-ciphers",
        doc: "Ciphers of TLS 1.2, of those that are safe.",
        field: &field!(tls.ciphers),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
    Directive {
        name: "tls-ciphersuites",
        doc: "Ciphers of TLS 1.3.",
        field: &field!(tls.ciphersuites),
        effect: Effect::ReloadTls,
        volatile: true,
        ..Directive::LIVE
    },
];
