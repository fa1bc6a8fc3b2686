//! Certificates to trust besides the platform's.

use std::fmt;

use reqwest::Certificate;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// Certificates to trust besides the platform's; none by default.
#[derive(Clone, Default)]
pub struct Certificates {
    usable: Vec<Certificate>,
    left_out: Vec<usize>,
}

/// Why a text holds no certificates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidCertificates {
    /// There is no PEM block, or it is empty.
    #[error("it holds no certificates in PEM form")]
    None,
    /// There are blocks, but none can be read.
    #[error("none of the certificates in it can be read (there {})", match .0 { 1 => "is 1".to_owned(), count => format!("are {count}") })]
    Unreadable(usize),
}

impl Certificates {
    /// Reads certificates in PEM form. Other text between them is ignored.
    ///
    /// # Errors
    ///
    /// If none can be read.
    pub fn from_pem(pem: &str) -> Result<Self, InvalidCertificates> {
        const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
        // Each block by itself, so that one without an end does not swallow the next. Indentation, as from YAML, is
        // removed.
        let lines: String = pem.split(['\r', '\n']).flat_map(|line| [line.trim(), "\n"]).collect();
        let (mut found, mut number) = (Self::default(), 0);
        for section in lines.split(BEGIN).skip(1) {
            number += 1;
            let section = format!("{BEGIN}{section}");
            match CertificateDer::from_pem_slice(section.as_bytes()).ok().and_then(|der| usable(&der)) {
                Some(certificate) => found.usable.push(certificate),
                None => found.left_out.push(number),
            }
        }
        match (found.usable.is_empty(), number) {
            (true, 0) => Err(InvalidCertificates::None),
            (true, number) => Err(InvalidCertificates::Unreadable(number)),
            (false, _) => Ok(found),
        }
    }

    /// Returns the 1-based positions of those that cannot be read and are therefore not trusted.
    pub fn left_out(&self) -> &[usize] {
        &self.left_out
    }

    pub(crate) fn usable(&self) -> &[Certificate] {
        &self.usable
    }
}

/// Accepts a certificate only if the TLS library does: one bad certificate would make the library reject all of them.
fn usable(der: &CertificateDer<'_>) -> Option<Certificate> {
    RootCertStore::empty().add(der.clone().into_owned()).ok()?;
    Certificate::from_der(der).ok()
}

impl fmt::Debug for Certificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Certificates({})", self.usable.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = include_str!("../../../tests/fixtures/tls/ca.pem");
    const KEY: &str = include_str!("../../../tests/fixtures/tls/server.key");
    const NO_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n";
    const NO_BASE64: &str = "-----BEGIN CERTIFICATE-----\n%%%%\n-----END CERTIFICATE-----\n";

    #[test]
    fn those_that_can_be_read_are_taken() {
        let read = |parts: &[&str]| Certificates::from_pem(&parts.concat());
        let numbers = |parts: &[&str]| read(parts).map(|all| (all.usable.len(), all.left_out));
        assert_eq!(numbers(&[GOOD]), Ok((1, vec![])));
        assert_eq!(numbers(&["# ours\n", GOOD, KEY, "words\n", GOOD]), Ok((2, vec![])));
        assert_eq!(numbers(&[GOOD, NO_CERTIFICATE, GOOD]), Ok((2, vec![2])));
        assert_eq!(numbers(&[NO_BASE64, GOOD, NO_BASE64, NO_CERTIFICATE]), Ok((1, vec![1, 3, 4])));
        assert_eq!(numbers(&[&GOOD.replace('\n', "\r\n")]), Ok((1, vec![])));
        assert_eq!(numbers(&[&GOOD.replace('\n', "\r")]), Ok((1, vec![])));
        assert_eq!(numbers(&["\n\t  ", &GOOD.replace('\n', "\n    ")]), Ok((1, vec![])));
        assert_eq!(numbers(&[&GOOD[..99], "\n", GOOD]), Ok((1, vec![1])));
        assert_eq!(numbers(&[GOOD, &GOOD[..99]]), Ok((1, vec![2])));
        assert_eq!(numbers(&[]), Err(InvalidCertificates::None));
        assert_eq!(numbers(&["words"]), Err(InvalidCertificates::None));
        assert_eq!(numbers(&[KEY]), Err(InvalidCertificates::None));
        assert_eq!(numbers(&[NO_CERTIFICATE, NO_BASE64]), Err(InvalidCertificates::Unreadable(2)));
    }
}
