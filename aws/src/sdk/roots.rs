//! The trusted root certificates: the system's bundle, read once.
//!
//! The SDK would read the bundle and every single certificate file beside it, which takes longer
//! than the rest of a cold start. The bundle is read during the start rather than at the first
//! call: Lambda gives a function a whole core while it starts, and only a fraction of one later.

use std::fs;

use aws_smithy_http_client::tls::TrustStore;
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

/// The bundle of Amazon Linux, and that of Debian and its derivatives.
const BUNDLES: [&str; 2] =
    ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"];
const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Returns the system's roots. Without a bundle, the SDK looks for them itself.
pub(super) fn trust_store() -> TrustStore {
    bundle()
        .map_or_else(TrustStore::default, |roots| TrustStore::empty().with_pem_certificate(roots))
}

/// Reads the usable certificates of the system's bundle, in PEM; `None` if there is no bundle.
pub(crate) fn bundle() -> Option<String> {
    let bundles = BUNDLES.iter().filter_map(|path| fs::read_to_string(path).ok());
    bundles.map(|bundle| usable(&bundle)).find(|usable| !usable.is_empty())
}

/// Filters the certificates that rustls accepts: the SDK panics if a single one is unusable.
///
/// Works line by line, because searching for line ends is many times faster than searching for the
/// markers of certificates.
fn usable(bundle: &str) -> String {
    let mut roots = RootCertStore::empty();
    let mut kept = String::with_capacity(bundle.len());
    let mut begun = 0;
    let mut place = 0;
    for line in bundle.split_inclusive('\n') {
        if line.starts_with(BEGIN) {
            begun = place;
        }
        place += line.len();
        if line.starts_with(END) {
            let pem = bundle.get(begun..place).unwrap_or_default();
            let certificate = CertificateDer::from_pem_slice(pem.as_bytes());
            if certificate.is_ok_and(|certificate| roots.add(certificate).is_ok()) {
                kept.push_str(pem);
            }
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_used_is_left_out_of_a_bundle() {
        assert_eq!(usable(""), "");
        assert_eq!(
            usable("# a comment\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
            ""
        );
        assert_eq!(usable("-----BEGIN CERTIFICATE-----\nno base64"), "");
    }

    #[test]
    fn the_systems_own_bundle_can_be_used_whole() {
        for path in BUNDLES {
            let Ok(bundle) = fs::read_to_string(path) else { continue };
            let all = bundle.matches(BEGIN).count();
            let kept = usable(&bundle).matches(BEGIN).count();
            assert!(kept * 10 >= all * 9, "{kept} of {all} in {path}");
        }
    }
}
