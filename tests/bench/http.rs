//! One HTTP connection to the server, kept open, with as little of our own processor time as possible: client and
//! server share the cores.

use anyhow::{Context, Result, ensure};
use http_body_util::{BodyExt, Full};
use hyper::{
    Method, Request, StatusCode,
    body::Bytes,
    client::conn::http1::{SendRequest, handshake},
};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpStream;

pub struct Connection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    bearer: Option<String>,
}

impl Connection {
    /// `url` is that of the server, without a path.
    pub async fn open(url: &str, token: Option<&str>) -> Result<Self> {
        let host = url.strip_prefix("http://").context("the server of a bench speaks plain HTTP")?.to_owned();
        let stream = TcpStream::connect(&host).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host, bearer: token.map(|token| format!("Bearer {token}")) })
    }

    /// Sends a request that is ready to go and gives back what came.
    pub async fn post(&mut self, body: Bytes) -> Result<Bytes> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header("host", &self.host)
            .header("content-type", "application/json")
            .header("x-stillage-protocol", stillage_core::wire::PROTOCOL)
            .header("x-stillage-version", env!("CARGO_PKG_VERSION"));
        if let Some(bearer) = &self.bearer {
            request = request.header("authorization", bearer);
        }
        self.sender.ready().await?;
        let answer = self.sender.send_request(request.body(Full::new(body))?).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        ensure!(status == StatusCode::OK, "the server answered {status}: {}", String::from_utf8_lossy(&body));
        Ok(body)
    }
}

/// A GraphQL request as it goes over the wire.
pub fn graphql(query: &str, variables: &Value) -> Bytes {
    Bytes::from(json!({ "query": query, "variables": variables }).to_string())
}

/// The answer of one field, or what the server objected to.
pub fn field(answer: &[u8], name: &str) -> Result<Value> {
    let mut answer: Value = serde_json::from_slice(answer)?;
    ensure!(answer["errors"].is_null(), "{name}: {}", answer["errors"]);
    Ok(answer["data"][name].take())
}
