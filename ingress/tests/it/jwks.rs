//! Fetching the issuer's keys over HTTP.

use ingress::{HttpKeySource, KeySource as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// Serves one answer, and returns what the source made of it.
async fn fetched(answer: String) -> Result<String, String> {
    // Another story of this process may have been first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jwks", listener.local_addr().unwrap());
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let source = HttpKeySource::new(client, url);
    let serve = async {
        let (mut socket, _) = listener.accept().await.unwrap();
        let mut request = [0; 1024];
        let read = socket.read(&mut request).await.unwrap();
        assert!(request[..read].starts_with(b"GET /jwks HTTP/1.1"));
        // A source that has read enough hangs up.
        let _ = socket.write_all(answer.as_bytes()).await;
    };
    let (result, ()) = tokio::join!(source.fetch(), serve);
    result.map(|body| String::from_utf8(body.to_vec()).unwrap()).map_err(|error| error.to_string())
}

fn answer(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn the_key_set_is_fetched() {
    assert_eq!(fetched(answer("200 OK", "{\"keys\":[]}")).await, Ok("{\"keys\":[]}".to_owned()));
}

#[tokio::test]
async fn an_error_and_an_endless_answer_are_refused() {
    let unavailable = Err("the issuer's keys are unavailable".to_owned());
    assert_eq!(fetched(answer("404 Not Found", "{}")).await, unavailable);
    assert_eq!(fetched(answer("200 OK", &" ".repeat(300 * 1024))).await, unavailable);
}
