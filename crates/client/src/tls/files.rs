//! Certificates and keys in files.

use std::io;
use std::path::Path;

use pkcs8::{EncryptedPrivateKeyInfo, SecretDocument};
use rustls::RootCertStore;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Why a file is of no use.
pub type Fault = String;

/// The certificates of a file; there is at least one.
pub(super) fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Fault> {
    let bytes = read(path)?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&bytes).collect();
    match found {
        Ok(found) if found.is_empty() => Err("no certificate found".to_owned()),
        Ok(found) => Ok(found),
        Err(error) => Err(error.to_string()),
    }
}

/// The private key of a file, which the password opens if it is encrypted.
pub(super) fn key(path: &Path, password: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, Fault> {
    let bytes = read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    if let Some(sealed) = sealed_key(&text) {
        return open(sealed, password);
    }
    if text.contains(SEALED_IN_PEM) {
        return Err(OLD_SEAL.to_owned());
    }
    PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| match error {
        pem::Error::NoItemsFound => "no private key found".to_owned(),
        error => error.to_string(),
    })
}

/// What the headers of a key say that OpenSSL has encrypted before it knew PKCS #8.
const SEALED_IN_PEM: &str = "Proc-Type: 4,ENCRYPTED";

const OLD_SEAL: &str = "a key that is encrypted by the headers of PEM is not read, only one of \
                        PKCS #8: 'openssl pkcs8 -topk8' converts it";

const SEALED_BEGIN: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
const SEALED_END: &str = "-----END ENCRYPTED PRIVATE KEY-----";

/// The text of an encrypted key in another text, if it has one.
fn sealed_key(text: &str) -> Option<&str> {
    let begin = text.find(SEALED_BEGIN)?;
    let len = text[begin..].find(SEALED_END)?;
    Some(&text[begin..begin + len + SEALED_END.len()])
}

fn open(sealed: &str, password: Option<&[u8]>) -> Result<PrivateKeyDer<'static>, Fault> {
    let password = password.ok_or("the key is encrypted, and no password is given")?;
    let (_, sealed) = SecretDocument::from_pem(sealed).map_err(|error| error.to_string())?;
    let sealed = EncryptedPrivateKeyInfo::try_from(sealed.as_bytes());
    let opened = sealed.map_err(|error| error.to_string())?.decrypt(password);
    let opened = opened.map_err(|_| "the password does not open the key")?;
    Ok(PrivatePkcs8KeyDer::from(opened.as_bytes().to_vec()).into())
}

/// Adds the authorities of a file.
pub(super) fn add_file(roots: &mut RootCertStore, path: &Path) -> Result<(), Fault> {
    match roots.add_parsable_certificates(certificates(path)?).0 {
        0 => Err("no certificate found".to_owned()),
        _ => Ok(()),
    }
}

/// Adds the authorities of a folder, whose files are named by hashes.
pub(super) fn add_folder(roots: &mut RootCertStore, path: &Path) -> Result<(), Fault> {
    std::fs::read_dir(path).map_err(|error| words(&error))?;
    let found = rustls_native_certs::load_certs_from_paths(None, Some(path));
    match roots.add_parsable_certificates(found.certs).0 {
        0 => Err("no certificate found".to_owned()),
        _ => Ok(()),
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Fault> {
    std::fs::read(path).map_err(|error| words(&error))
}

/// The system's words, without the number that Rust adds.
fn words(error: &io::Error) -> Fault {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_encrypted_key_is_found_among_other_texts() {
        let text = format!("leaf\n{SEALED_BEGIN}\nAA==\n{SEALED_END}\n{SEALED_BEGIN}");
        let sealed = format!("{SEALED_BEGIN}\nAA==\n{SEALED_END}");
        assert_eq!(sealed_key(&text), Some(&*sealed));
        assert_eq!(sealed_key(SEALED_BEGIN), None);
        assert_eq!(sealed_key(&format!("{SEALED_END}{SEALED_BEGIN}")), None);
        let why = open(&sealed, None).unwrap_err();
        assert_eq!(why, "the key is encrypted, and no password is given");
        assert!(open(&sealed, Some(b"secret")).is_err());
    }
}
