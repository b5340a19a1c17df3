//! Certificates made for a test.

use std::fs;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use crate::process::Folder;

/// Certificates in files: `authority.pem`, `server.pem`, `server.key`, `client.pem`, `client.key`;
/// and of another authority, `stranger.pem`, that nobody trusts, `foreign.pem` and `foreign.key`.
pub struct Papers(Folder);

impl Papers {
    pub fn new() -> Papers {
        let papers = Papers(Folder::new());
        let (authority, stranger) = (papers.authority("authority"), papers.authority("stranger"));
        for (name, issuer) in [
            ("server", &authority),
            ("client", &authority),
            ("foreign", &stranger),
        ] {
            let key = KeyPair::generate().unwrap();
            let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
            let certificate = CertificateParams::new(names).unwrap();
            let certificate = certificate.signed_by(&key, issuer).unwrap();
            papers.0.file(&format!("{name}.pem"), &certificate.pem());
            papers.0.file(&format!("{name}.key"), &key.serialize_pem());
        }
        // Folders of authorities name their files by hashes.
        let folder = papers.0.path("authorities");
        fs::create_dir(&folder).unwrap();
        fs::copy(papers.path("authority.pem"), format!("{folder}/0a1b2c3d.0")).unwrap();
        papers
    }

    fn authority(&self, name: &str) -> CertifiedIssuer<'static, KeyPair> {
        let mut authority = CertificateParams::new(Vec::new()).unwrap();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let common = rcgen::DnType::CommonName;
        authority
            .distinguished_name
            .push(common, format!("ochre {name}"));
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(authority, key).unwrap();
        self.0.file(&format!("{name}.pem"), &authority.pem());
        authority
    }

    pub fn path(&self, name: &str) -> String {
        self.0.path(name)
    }

    /// Replaces `@NAME` by the path of that file.
    pub fn words(&self, line: &str) -> Vec<String> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        words
            .map(|word| match word.strip_prefix('@') {
                Some(name) => self.path(name),
                None => word.to_owned(),
            })
            .collect()
    }
}
