//! The deployed system in place of the server on one machine: the same stories, another home.
//!
//! `infra/e2e` is that home. It takes one line of JSON with what a server would be started with,
//! deploys the template's stack, answers with one line that says where it is, and takes it down
//! when the connection ends.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// How long a deployment may take: they are made one after the other, and stories wait for each
/// other's.
const DEPLOYING: Duration = Duration::from_mins(2);

/// A deployed system. It is gone with this value.
pub(super) struct Deployed {
    base: String,
    _lease: BufReader<TcpStream>,
}

impl Deployed {
    /// Deploys the system with these variables, and these documents instead of the school's.
    pub(super) async fn at(
        home: &str,
        variables: &BTreeMap<String, String>,
        documents: Option<&Value>,
    ) -> Self {
        let asked = json!({ "variables": variables, "documents": documents });
        let (answer, lease) =
            timeout(DEPLOYING, exchange(home, &asked)).await.expect("a home that deploys").unwrap();
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let base = answer["base"].as_str().unwrap_or_else(|| panic!("{}", answer["error"]));
        Self { base: base.to_owned(), _lease: lease }
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }
}

async fn exchange(home: &str, asked: &Value) -> std::io::Result<(String, BufReader<TcpStream>)> {
    let mut lease = BufReader::new(TcpStream::connect(home).await?);
    lease.write_all(format!("{asked}\n").as_bytes()).await?;
    let mut answer = String::new();
    lease.read_line(&mut answer).await?;
    Ok((answer, lease))
}
