//! The server behind a reverse proxy on the same machine.

use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{Answer, Http, Setup, TestServer};

const ORIGIN: &str = "https://chat.example";

/// Posts a first message as a proxy passes it on.
async fn through_proxy(server: &TestServer, headers: &[(&str, &str)]) -> Answer {
    let body = json!({ "message": "Hello" }).to_string();
    Http::new(server.base())
        .send(Method::POST, "/chat", Some((body, "application/json")), headers)
        .await
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_limits_and_addresses_of_their_own() {
    let setup = Setup::offline()
        .with("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "1")
        .with("CHATBOT_ALLOWED_ORIGINS", ORIGIN)
        .with("CHATBOT_TRUSTED_PROXIES", "127.0.0.1, ::1");
    let server = setup.start().await;
    for client in ["203.0.113.1", "203.0.113.2", "2001:db8::1"] {
        let headers = [
            ("x-forwarded-for", client),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "chat.example"),
        ];
        let answer = through_proxy(&server, &headers).await.expect(202);
        assert_eq!(answer["websocket"]["url"], "wss://chat.example/socket");
        through_proxy(&server, &headers).await.problem(429);
        // What the client itself wrote into the header is not believed.
        let forged = format!("198.51.100.9, {client}");
        through_proxy(&server, &[("x-forwarded-for", &forged)]).await.problem(429);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_listed_speaks_for_itself_only() {
    let server = Setup::offline().with("CHATBOT_RATE_ADDRESS_PER_5_MINUTES", "1").start().await;
    let headers = [("x-forwarded-for", "203.0.113.1"), ("x-forwarded-proto", "https")];
    let answer = through_proxy(&server, &headers).await.expect(202);
    assert!(answer["websocket"]["url"].as_str().unwrap().starts_with("ws://127.0.0.1:"));
    through_proxy(&server, &[("x-forwarded-for", "203.0.113.2")]).await.problem(429);
}

#[tokio::test]
async fn whoever_comes_through_a_proxy_is_no_operator_of_this_machine() {
    for trusted in ["", "127.0.0.1"] {
        let server = Setup::offline().with("CHATBOT_TRUSTED_PROXIES", trusted).start().await;
        let http = Http::new(server.base());
        assert_eq!(http.get("/metrics").await.status, 200, "a local call");
        for header in [
            ("x-forwarded-for", "127.0.0.1"),
            ("x-forwarded-proto", "http"),
            ("x-real-ip", "127.0.0.1"),
            ("forwarded", "for=127.0.0.1"),
            ("via", "1.1 proxy"),
        ] {
            for path in ["/metrics", "/admin/api/status", "/admin/api/stats", "/admin/api/events"] {
                let answer = http.send(Method::GET, path, None, &[header]).await;
                assert_eq!(answer.status, 401, "{path} with {header:?}, trusted {trusted:?}");
            }
        }
    }
}

#[tokio::test]
async fn nginx_with_its_own_defaults_opens_no_operator_call() {
    let server = Setup::offline().start().await;
    let host = server.base().trim_start_matches("http://").trim_end_matches('/').to_owned();
    let mut socket = TcpStream::connect(&host).await.unwrap();
    let request = format!("GET /metrics HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.0 401 "), "{answer}");
}
