//! TLS, with certificates that are made for the test.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use aws::redis::{RedisAddress, RedisReplyCache};
use shared::ports::ReplyCache as _;

use super::{LONG_TIMEOUTS, STAGE, Vault, check_keeps, key};
use crate::support::redis_server::{RedisServer, free_port, installed};

/// An authority, and a server's certificate and key of it.
struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    fn make(name: &str) -> Self {
        let folder =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let made = Self { folder };
        made.openssl(
            "-keyout ca.key -out ca.crt -subj /CN=test-authority -addext \
            basicConstraints=critical,CA:TRUE",
        );
        made.openssl(
            "-keyout server.key -out server.crt -subj /CN=localhost -addext \
            subjectAltName=DNS:localhost -addext basicConstraints=critical,CA:FALSE -CA ca.crt \
            -CAkey ca.key",
        );
        made
    }

    fn openssl(&self, words: &str) {
        let key = "req -x509 -nodes -days 1 -newkey ec -pkeyopt ec_paramgen_curve:P-256";
        let mut command = Command::new("openssl");
        command.args(key.split(' ')).args(words.split_whitespace()).current_dir(&self.folder);
        assert!(
            command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap().success(),
            "openssl {words}"
        );
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }
}

impl Drop for Certificates {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

#[tokio::test]
async fn a_server_is_spoken_to_over_tls_if_its_certificate_is_trusted() {
    if !installed("openssl") || !installed("redis-server") {
        return;
    }
    let made = Certificates::make("tls");
    let port = free_port().to_string();
    let [cert, key_file, ca] = ["server.crt", "server.key", "ca.crt"].map(|name| made.path(name));
    let tls = [
        "--tls-port",
        &port,
        "--tls-cert-file",
        &cert,
        "--tls-key-file",
        &key_file,
        "--tls-ca-cert-file",
        &ca,
    ];
    let Some(_server) = RedisServer::start(&[&tls[..], &["--tls-auth-clients", "no"]].concat())
    else {
        return;
    };
    let address = RedisAddress::parse(&format!("rediss://localhost:{port}")).unwrap();
    let of =
        |address| RedisReplyCache::new(address, STAGE, Vault::new(None).secrets(), LONG_TIMEOUTS);
    check_keeps(&of(address.clone().with_roots(std::fs::read_to_string(&ca).unwrap())), "a").await;
    let error = of(address).get(&key("a")).await.unwrap_err();
    assert!(error.0.to_string().contains("UnknownIssuer"), "{:?}", error.0.to_string());
}
