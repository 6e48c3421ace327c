//! Bodies that are too large, on the connections that they come over.

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

use crate::support::{Setup, in_time};

/// Reads one answer, up to the end of its body, and returns its head in lower case.
async fn read_head(stream: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).await.unwrap() > 0, "closed after {head:?}");
    }
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    stream.read_exact(&mut vec![0; length.parse().unwrap()]).await.unwrap();
    head
}

#[tokio::test]
async fn after_a_body_that_is_too_large_the_connection_goes_on_or_says_that_it_ends() {
    let server = Setup::offline().start().await;
    let (host, path) = server.place();
    // The client sends no more than the server reads, as it would after it has read the answer.
    for (length, sent, goes_on) in [(200_000, 200_000, true), (2_000_000, 1_100_000, false)] {
        let mut stream = BufReader::new(TcpStream::connect(host).await.unwrap());
        let head = format!(
            "POST {path}/chat HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The server may stop reading, and close, before everything is sent.
        let all = stream.write_all(&vec![b' '; sent]).await;
        assert!(all.is_ok() || !goes_on);
        if !goes_on {
            let mut answer = String::new();
            drop(in_time(stream.read_line(&mut answer)).await);
            assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 413"), "{answer}");
            continue;
        }
        assert!(in_time(read_head(&mut stream)).await.starts_with("http/1.1 413"));
        let next = format!("GET {path}/health HTTP/1.1\r\nhost: {host}\r\n\r\n");
        stream.write_all(next.as_bytes()).await.unwrap();
        assert!(in_time(read_head(&mut stream)).await.starts_with("http/1.1 200"));
    }
}
