//! A caller from another address of this machine: all of 127.0.0.0/8 is loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpSocket;

use crate::support::{TestServer, in_time};

/// Calls a server from 127.0.0.2.
pub(super) struct Neighbour {
    server: String,
    path: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `Retry-After`, or nothing.
    pub(super) retry_after: String,
}

impl Neighbour {
    pub(super) fn of(server: &TestServer) -> Self {
        let (server, path) = server.place();
        Self { server: server.to_owned(), path: path.to_owned() }
    }

    /// Posts a message without credentials.
    pub(super) async fn chat_as_newcomer(&self, message: &str) -> Answer {
        let body = serde_json::json!({ "message": message }).to_string();
        let request = format!(
            "POST {}/chat HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-type: \
            application/json\r\n\
             content-length: {}\r\n\r\n{body}",
            self.path,
            self.server,
            body.len()
        );
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.2:0".parse().unwrap()).unwrap();
        let mut stream = in_time(socket.connect(self.server.parse().unwrap())).await.unwrap();
        let mut text = String::new();
        in_time(async {
            stream.write_all(request.as_bytes()).await.unwrap();
            stream.read_to_string(&mut text).await.unwrap();
        })
        .await;
        let status = text.split(' ').nth(1).unwrap().parse().unwrap();
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("retry-after").then(|| value.to_owned())
        };
        Answer { status, retry_after: text.lines().find_map(header).unwrap_or_default() }
    }
}
