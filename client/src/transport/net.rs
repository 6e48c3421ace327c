//! The transport over HTTP and WebSocket.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{SinkExt as _, StreamExt as _};
use http::{Request, Response, Uri};
use shared::http_client::{self, ClientError, ClientSettings};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use super::{Closed, ConnectError, NoResponse, Socket, Transport};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// A service at an address such as `https://chat.example.com`.
///
/// Clones share their connections.
#[derive(Clone)]
pub struct HttpTransport {
    client: reqwest::Client,
    tls: Arc<ClientConfig>,
    base_url: String,
}

impl HttpTransport {
    /// Creates a transport to the service at `base_url`, which has no slash at its end.
    ///
    /// Opens no connection yet.
    pub fn new(base_url: impl Into<String>) -> Result<Self, ClientError> {
        let client = http_client::build(ClientSettings { connect_timeout: CONNECT_TIMEOUT })?;
        Ok(Self { client, tls: Arc::new(http_client::tls()?), base_url: base_url.into() })
    }

    /// Returns the same transport to another address.
    #[must_use]
    pub fn at(&self, base_url: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), ..self.clone() }
    }

    /// Returns the address of the service.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    async fn send(&self, request: Request<Bytes>) -> reqwest::Result<Response<Bytes>> {
        let (parts, body) = request.into_parts();
        let url = format!("{}{}", self.base_url, parts.uri);
        let call = self.client.request(parts.method, url).headers(parts.headers).body(body);
        let answer = call.send().await?;
        let status = answer.status();
        let headers = answer.headers().clone();
        let mut response = Response::new(answer.bytes().await?);
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        Ok(response)
    }

    async fn open(&self, url: &str, ticket: &str) -> Result<ServerSocket, Error> {
        let address: Uri = format!("{url}?ticket={ticket}").parse()?;
        let stream = self.connect_stream(&address).await?;
        let (socket, _) = client_async(address, stream).await?;
        Ok(ServerSocket(socket))
    }

    async fn connect_stream(&self, address: &Uri) -> io::Result<Box<dyn Stream>> {
        let is_encrypted = address.scheme_str() == Some("wss");
        let host = address.host().ok_or(io::ErrorKind::InvalidInput)?;
        // An IPv6 address is in brackets in a URL, but not for the resolver or for TLS.
        let host = host.trim_matches(['[', ']']);
        let port = address.port_u16().unwrap_or(if is_encrypted { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        if !is_encrypted {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(host.to_owned()).map_err(io::Error::other)?;
        let tls = TlsConnector::from(Arc::clone(&self.tls));
        Ok(Box::new(tls.connect(name, stream).await?))
    }
}

#[async_trait]
impl Transport for HttpTransport {
    async fn call(&self, request: Request<Bytes>) -> Result<Response<Bytes>, NoResponse> {
        self.send(request).await.map_err(|_| NoResponse)
    }

    async fn connect(&self, url: &str, ticket: &str) -> Result<Box<dyn Socket>, ConnectError> {
        match self.open(url, ticket).await {
            Ok(socket) => Ok(Box::new(socket)),
            Err(Error::Http(response)) => Err(ConnectError::Refused(response.status())),
            Err(_) => Err(ConnectError::NoResponse),
        }
    }
}

/// A connection with or without TLS.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

struct ServerSocket(WebSocketStream<Box<dyn Stream>>);

#[async_trait]
impl Socket for ServerSocket {
    async fn send(&mut self, frame: &str) -> Result<(), Closed> {
        self.0.send(Message::text(frame)).await.map_err(|_| Closed)
    }

    async fn receive(&mut self) -> Option<String> {
        loop {
            match self.0.next().await?.ok()? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }
}
