//! One HTTP/1.1 connection that is kept, with as little work as a client can do.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[derive(Debug)]
pub(crate) struct Http {
    stream: TcpStream,
    target: SocketAddr,
    buffer: Vec<u8>,
}

impl Http {
    pub(crate) async fn connect(target: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(target).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, target, buffer: Vec::with_capacity(1024) })
    }

    /// Posts JSON and returns the answer's body; any status but the expected one is an error.
    pub(super) async fn post(
        &mut self,
        path: &str,
        token: Option<&str>,
        body: &str,
        expected: u16,
    ) -> anyhow::Result<Vec<u8>> {
        let authorization =
            token.map(|token| format!("authorization: Bearer {token}\r\n")).unwrap_or_default();
        let request = format!(
            "POST {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: \
            application/json\r\n{authorization}content-length: {}\r\n\r\n{body}",
            self.target,
            body.len()
        );
        self.stream.write_all(request.as_bytes()).await?;
        let (status, body) = self.answer().await?;
        if status != expected {
            bail!("{path} was answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    /// Returns the body of an answer that is 200; any other is an error.
    pub(crate) async fn get(&mut self, path: &str, token: &str) -> anyhow::Result<Vec<u8>> {
        let request = format!(
            "GET {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {token}\r\n\r\n",
            self.target
        );
        self.stream.write_all(request.as_bytes()).await?;
        let (status, body) = self.answer().await?;
        if status != 200 {
            bail!("{path} was answered {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }

    async fn answer(&mut self) -> anyhow::Result<(u16, Vec<u8>)> {
        self.buffer.clear();
        let head = loop {
            match self.buffer.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => self.read().await?,
            }
        };
        let (status, length) = parse(std::str::from_utf8(&self.buffer[..head])?)?;
        while self.buffer.len() < head + length {
            self.read().await?;
        }
        Ok((status, self.buffer[head..head + length].to_vec()))
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            bail!("the server closed the connection");
        }
        Ok(())
    }
}

/// Reads status and length from an answer's head.
fn parse(head: &str) -> anyhow::Result<(u16, usize)> {
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>())
    });
    Ok((status, length.context("no content-length")??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_tells_status_and_length() {
        let head = "HTTP/1.1 202 Accepted\r\nserver: x\r\nContent-Length: 17\r\n\r\n";
        assert_eq!(parse(head).unwrap(), (202, 17));
    }

    #[test]
    fn a_head_without_a_length_is_refused() {
        assert!(parse("HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}
