//! Signature Version 4 for calls that are made without an SDK client.
//!
//! Specification:
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials as SdkCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::ExposeSecret as _;
use shared::ports::Clock;

use crate::sdk::{Credentials, SdkSettings};

/// Signs requests to one service with the credentials of the environment.
pub struct Signer {
    credentials: SdkCredentials,
    region: String,
    service: &'static str,
    clock: Arc<dyn Clock>,
}

/// The reason why a request could not be signed. It quotes nothing of the request.
#[derive(Debug, thiserror::Error)]
#[error("cannot sign the request: {0}")]
pub struct SignError(&'static str);

impl Signer {
    /// Creates a signer; `service` is the service's name in signatures, such as `bedrock`.
    pub fn new(settings: &SdkSettings, service: &'static str, clock: Arc<dyn Clock>) -> Self {
        let Credentials { access_key_id, secret_access_key, session_token } = &settings.credentials;
        let token = session_token.as_ref().map(|token| token.expose_secret().to_owned());
        let secret = secret_access_key.expose_secret();
        let credentials = SdkCredentials::new(access_key_id, secret, token, None, "environment");
        Self { credentials, region: settings.region.clone(), service, clock }
    }

    /// Signs a `POST` with these headers and the host, and returns the headers to add.
    pub fn post(
        &self,
        url: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<HeaderMap, SignError> {
        let identity = self.credentials.clone().into();
        let parameters = v4::SigningParams::builder()
            .identity(&identity)
            .region(&self.region)
            .name(self.service)
            .time(self.now())
            .settings(SigningSettings::default())
            .build()
            .map_err(|_| SignError("a parameter is missing"))?;
        let request =
            SignableRequest::new("POST", url, headers.iter().copied(), SignableBody::Bytes(body));
        let request = request.map_err(|_| SignError("its URL or a header is invalid"))?;
        let signed = sign(request, &parameters.into())
            .map_err(|_| SignError("the signature cannot be computed"))?;
        let (instructions, _) = signed.into_parts();
        let (added, _) = instructions.into_parts();
        added.into_iter().map(|header| header_of(header.name(), header.value())).collect()
    }

    fn now(&self) -> SystemTime {
        let millis = u64::try_from(self.clock.now().0).unwrap_or(0);
        SystemTime::UNIX_EPOCH + Duration::from_millis(millis)
    }
}

fn header_of(name: &'static str, value: &str) -> Result<(HeaderName, HeaderValue), SignError> {
    let mut value =
        HeaderValue::try_from(value).map_err(|_| SignError("the value of a header is invalid"))?;
    value.set_sensitive(true);
    Ok((HeaderName::from_static(name), value))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use shared::domain::Timestamp;

    use super::*;

    struct At(i64);

    impl Clock for At {
        fn now(&self) -> Timestamp {
            Timestamp(self.0)
        }
    }

    fn signer(token: Option<&str>) -> Signer {
        let settings = SdkSettings {
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "AKIDEXAMPLE".to_owned(),
                secret_access_key: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
                session_token: token.map(Into::into),
            },
            endpoint: None,
            endpoints: BTreeMap::new(),
        };
        // 2015-08-30T12:36:00Z, the time of AWS' published examples.
        Signer::new(&settings, "service", Arc::new(At(1_440_938_160_000)))
    }

    #[test]
    fn a_signature_is_that_of_the_published_example() {
        // `post-vanilla` of AWS' test suite for Signature Version 4.
        let headers = signer(None).post("https://example.amazonaws.com/", &[], b"").unwrap();
        assert_eq!(
            headers["authorization"],
            "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
             SignedHeaders=host;x-amz-date, \
             Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"
        );
        assert_eq!(headers["x-amz-date"], "20150830T123600Z");
    }

    #[test]
    fn what_proves_who_calls_is_not_printed() {
        let headers = signer(Some("canary-token"))
            .post("https://example.amazonaws.com/a%3Ab", &[], b"{}")
            .unwrap();
        assert_eq!(headers["x-amz-security-token"], "canary-token");
        assert!(!format!("{headers:?}").contains("canary"), "{headers:?}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        assert!(signer(None).post("no address", &[], b"").is_err());
    }
}
