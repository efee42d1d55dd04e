//! One question to the server and its answer: static GraphQL documents over HTTP, packed with
//! zstd. Whatever comes back that is not an answer of our server (a gateway's page, half a body,
//! a captive portal) means that the server cannot be reached.

use super::{Shared, page, round::blocking};
use crate::{Code, Failure, Mint, engine::Inner};
use reqwest::{
    StatusCode, Url,
    header::{
        ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RANGE,
    },
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use std::{
    io::Read,
    sync::{Arc, OnceLock, atomic::Ordering},
    time::Duration,
};
use stillage_core::{
    id::DeviceId,
    snapshot::{ChunkName, Manifest, ManifestInput},
    wire::{CarriedPush, EnrolInput, Enrolled, Hello, PROTOCOL, PullAnswer, PullInput, PushAnswer, PushInput},
};

/// Bodies below this size are not worth packing.
const PACK_ABOVE: usize = 1024;
/// A push is packed once and may go over a thin line.
const LEVEL: i32 = 9;
/// The greatest answer, unpacked.
const LIMIT: u64 = 64 * 1024 * 1024;
const CONNECT: Duration = Duration::from_secs(10);
/// Nothing arriving for so long ends a request, however long the whole takes.
const STALL: Duration = Duration::from_secs(30);
/// A connection that nobody used for so long is given back: the server has hundreds, and the socket brings what is new.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub(super) struct Transport {
    client: reqwest::Client,
    url: Url,
    bearer: Option<String>,
    device: DeviceId,
    /// The connection is given back with the answer: nobody will need it soon.
    pub(super) hangs_up: bool,
    pub(super) inner: Arc<Inner>,
}

/// The HTTP clients of a process. Making one reads every root certificate, and a kept one keeps its connection.
#[derive(Default)]
pub(super) struct Clients {
    /// For this machine, past any proxy, and for all others.
    here: OnceLock<reqwest::Client>,
    elsewhere: OnceLock<reqwest::Client>,
}

impl Clients {
    fn of(&self, url: &Url) -> Result<reqwest::Client, Failure> {
        let host = url.host_str().unwrap_or_default();
        let is_here = host == "localhost"
            || host.trim_matches(['[', ']']).parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
        let kept = if is_here { &self.here } else { &self.elsewhere };
        if let Some(client) = kept.get() {
            return Ok(client.clone());
        }
        let builder = reqwest::Client::builder()
            .http1_only()
            .connect_timeout(CONNECT)
            .read_timeout(STALL)
            .pool_idle_timeout(IDLE)
            .tcp_nodelay(true)
            .user_agent(concat!("stillage/", env!("CARGO_PKG_VERSION")));
        let builder = if is_here { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(Failure::internal)?;
        Ok(kept.get_or_init(|| client).clone())
    }
}

/// `http://host:port`, brought into one form.
pub(super) fn address(text: &str) -> Result<Url, Failure> {
    let wrong = || {
        Failure::new(Code::BadAddress, "That is not a server address.", "Write it like http://stock.example.com:8000.")
    };
    let trimmed = text.trim().trim_end_matches('/').trim_end_matches("/graphql");
    let url = Url::parse(trimmed).map_err(|_| wrong())?;
    if matches!(url.scheme(), "http" | "https") && url.host_str().is_some() { Ok(url) } else { Err(wrong()) }
}

impl Transport {
    pub(super) fn new(inner: &Arc<Inner>, url: Url, device: DeviceId, bearer: Option<String>) -> Result<Self, Failure> {
        let client = inner.sync.clients.of(&url)?;
        Ok(Self { client, url, bearer, device, hangs_up: false, inner: Arc::clone(inner) })
    }

    /// The same line, on which nobody is known yet.
    pub(super) fn without_token(&self) -> Self {
        Self { bearer: None, ..self.clone() }
    }

    pub(super) async fn hello(&self) -> Result<Hello, Failure> {
        self.ask("query Hello { hello }", (), "hello").await
    }

    pub(super) async fn pull(&self, input: &PullInput) -> Result<PullAnswer, Failure> {
        let document = "query Pull($input: SyncJSON!) { pull(input: $input) }";
        let answer: PullAnswer = self.ask(document, input, "pull").await?;
        if answer.pages.iter().all(|page| page.chunk.is_none()) {
            return Ok(answer);
        }
        blocking(move || page::unpacked(answer)).await
    }

    pub(super) async fn manifest(&self, input: &ManifestInput) -> Result<Manifest, Failure> {
        let document = "query Manifest($input: SyncJSON!) { snapshotManifest(input: $input) }";
        self.ask(document, input, "snapshotManifest").await
    }

    /// Adds to `held` what is missing of a chunk, which stays there when the network goes.
    pub(super) async fn chunk(&self, name: &ChunkName, held: &mut Vec<u8>) -> Result<Got, Failure> {
        let mut cut = self.shared().cut.subscribe();
        tokio::select! {
            got = self.part(name, held) => got,
            _ = cut.wait_for(|cut| *cut) => Err(Failure::offline("the network is cut by hand")),
        }
    }

    async fn part(&self, name: &ChunkName, held: &mut Vec<u8>) -> Result<Got, Failure> {
        if held.len() as u64 >= name.bytes {
            held.clear();
        }
        let mut headers = self.headers();
        if let Ok(range) = HeaderValue::try_from(format!("bytes={}-", held.len())) {
            headers.insert(RANGE, range);
        }
        let request = self.client.get(self.endpoint(&name.path())).headers(headers);
        let mut response = request.send().await.map_err(unreachable)?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT => {}
            StatusCode::OK => held.clear(),
            StatusCode::NOT_FOUND | StatusCode::FORBIDDEN => return Ok(Got::Gone),
            StatusCode::UNAUTHORIZED => return Err(signed_out()),
            status => return Err(Failure::offline(format!("HTTP {status} instead of a part of a snapshot"))),
        }
        while let Some(part) = response.chunk().await.map_err(unreachable)? {
            self.shared().received.fetch_add(part.len() as u64, Ordering::Relaxed);
            held.extend_from_slice(&part);
            if held.len() as u64 > name.bytes {
                held.clear();
                return Err(Failure::offline("a part of a snapshot is longer than it can be"));
            }
        }
        Ok(Got::All)
    }

    pub(super) async fn push(&self, input: &PushInput) -> Result<PushAnswer, Failure> {
        let document = "mutation Push($input: SyncJSON!) { pushChanges(input: $input) }";
        self.ask(document, input, "pushChanges").await
    }

    /// What another device recorded and signed.
    pub(super) async fn carry(&self, input: &CarriedPush) -> Result<PushAnswer, Failure> {
        let document = "mutation Push($input: SyncJSON!) { pushChanges(input: $input) }";
        self.ask(document, input, "pushChanges").await
    }

    pub(super) async fn enrol(&self, input: &EnrolInput) -> Result<Enrolled, Failure> {
        let document = "mutation Enrol($input: SyncJSON!) { enrolDevice(input: $input) }";
        self.ask(document, input, "enrolDevice").await
    }

    pub(super) fn mint(&self) -> &Mint {
        &self.inner.mint
    }

    fn shared(&self) -> &Shared {
        &self.inner.sync
    }

    async fn ask<T: DeserializeOwned>(&self, document: &str, input: impl Serialize, field: &str) -> Result<T, Failure> {
        let body = serde_json::to_vec(&Question { query: document, variables: Variables { input } })?;
        let mut cut = self.shared().cut.subscribe();
        tokio::select! {
            answer = self.exchange(body, field) => answer,
            _ = cut.wait_for(|cut| *cut) => Err(Failure::offline("the network is cut by hand")),
        }
    }

    async fn exchange<T: DeserializeOwned>(&self, body: Vec<u8>, field: &str) -> Result<T, Failure> {
        let mut headers = self.headers();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("zstd"));
        if self.hangs_up {
            headers.insert(CONNECTION, HeaderValue::from_static("close"));
        }
        let body = if body.len() > PACK_ABOVE {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("zstd"));
            zstd::bulk::compress(&body, LEVEL)?
        } else {
            body
        };
        self.shared().sent.fetch_add(body.len() as u64, Ordering::Relaxed);
        let request = self.client.post(self.endpoint("graphql")).headers(headers).body(body);
        let mut response = request.send().await.map_err(unreachable)?;
        let packed = response.headers().get(CONTENT_ENCODING).is_some_and(|encoding| encoding == "zstd");
        let status = response.status();
        let retry_after = response.headers().get("retry-after").and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(unreachable)? {
            self.shared().received.fetch_add(chunk.len() as u64, Ordering::Relaxed);
            bytes.extend_from_slice(&chunk);
            if bytes.len() as u64 > LIMIT {
                return Err(Failure::offline("the answer is larger than an answer can be"));
            }
        }
        if status == StatusCode::TOO_MANY_REQUESTS {
            return Err(throttled(retry_after.map(|seconds| seconds * 1000)));
        }
        let bytes = if packed { unpack(&bytes)? } else { bytes };
        read(&bytes, status, field)
    }

    /// Who asks, and in which version.
    pub(super) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("x-stillage-protocol", HeaderValue::from(PROTOCOL));
        headers.insert("x-stillage-version", HeaderValue::from_static(env!("CARGO_PKG_VERSION")));
        if let Ok(device) = HeaderValue::try_from(self.device.to_string()) {
            headers.insert("x-stillage-device", device);
        }
        if let Some(bearer) = &self.bearer
            && let Ok(mut value) = HeaderValue::try_from(format!("Bearer {bearer}"))
        {
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        headers
    }

    pub(super) fn authorization(&self) -> Option<String> {
        self.bearer.as_ref().map(|bearer| format!("Bearer {bearer}"))
    }

    pub(super) fn endpoint(&self, path: &str) -> Url {
        let mut url = self.url.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url
    }

    /// A request that asks for a socket; counted by whoever reads it.
    pub(super) fn socket(&self, path: &str) -> reqwest::RequestBuilder {
        self.client.get(self.endpoint(path)).headers(self.headers())
    }

    pub(super) fn count(&self, sent: usize, received: usize) {
        self.shared().sent.fetch_add(sent as u64, Ordering::Relaxed);
        self.shared().received.fetch_add(received as u64, Ordering::Relaxed);
    }
}

pub(super) fn unreachable(fault: reqwest::Error) -> Failure {
    let fault = fault.without_url();
    let mut reason = fault.to_string();
    let mut cause = std::error::Error::source(&fault);
    while let Some(deeper) = cause {
        reason = format!("{reason}: {deeper}");
        cause = deeper.source();
    }
    Failure::offline(reason)
}

fn throttled(after_ms: Option<u64>) -> Failure {
    Failure::new(Code::RateLimited, "The server is busy.", "It is tried again by itself.")
        .with(json!({ "retry_after_ms": after_ms.unwrap_or(1000) }))
}

/// Unpacks no further than an answer may be: a small body must not become a large memory.
fn unpack(bytes: &[u8]) -> Result<Vec<u8>, Failure> {
    let broken = |fault: std::io::Error| Failure::offline(format!("the answer cannot be unpacked: {fault}"));
    let mut unpacked = Vec::new();
    let decoder = zstd::stream::read::Decoder::new(bytes).map_err(broken)?;
    decoder.take(LIMIT + 1).read_to_end(&mut unpacked).map_err(broken)?;
    if unpacked.len() as u64 > LIMIT {
        return Err(Failure::offline("the answer is larger than an answer can be"));
    }
    Ok(unpacked)
}

/// Written as it is: as a tree of values first, a push of 500 changes would be copied twice.
#[derive(Serialize)]
struct Question<'a, T> {
    query: &'a str,
    variables: Variables<T>,
}

#[derive(Serialize)]
struct Variables<T> {
    input: T,
}

#[derive(serde::Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    data: Option<std::collections::HashMap<String, &'a serde_json::value::RawValue>>,
    #[serde(default)]
    errors: Vec<Value>,
}

fn read<T: DeserializeOwned>(bytes: &[u8], status: StatusCode, field: &str) -> Result<T, Failure> {
    let answer: Answer<'_> = serde_json::from_slice(bytes)
        .map_err(|_| Failure::offline(format!("HTTP {status}, and not from our server")))?;
    if let Some(error) = answer.errors.first() {
        return Err(refused(error));
    }
    let data = answer.data.as_ref().and_then(|data| data.get(field));
    let data = data.ok_or_else(|| Failure::offline(format!("HTTP {status} without an answer")))?;
    serde_json::from_str(data.get()).map_err(|fault| Failure::offline(format!("the answer cannot be read: {fault}")))
}

/// What asking for a chunk came to.
pub(super) enum Got {
    All,
    /// The server has it no more, or not for this device.
    Gone,
}

fn signed_out() -> Failure {
    let next = "Connect it again with a new code; what was recorded is kept.";
    Failure::new(Code::SignedOut, "This device was signed out.", next)
}

/// A GraphQL error by its code.
fn refused(error: &Value) -> Failure {
    let extensions = &error["extensions"];
    let message = error["message"].as_str().unwrap_or("The server refused.");
    let details = json!({ "request": extensions["requestId"] });
    let failure = match extensions["code"].as_str().unwrap_or_default() {
        "UNAUTHENTICATED" | "SIGNED_OUT" => signed_out(),
        "UPGRADE_REQUIRED" => Failure::new(
            Code::UpgradeRequired,
            "This version is too old or too new for the server.",
            "Update this app; what was recorded is kept and still sent.",
        ),
        "THROTTLED" | "RATE_LIMITED" => {
            let after = &extensions["retryAfterMs"];
            return throttled(after.as_u64().or_else(|| after.as_str().and_then(|text| text.parse().ok())));
        }
        "FORBIDDEN" => Failure::new(Code::Forbidden, message, "Ask whoever looks after your server."),
        "CODE_INVALID" | "BAD_CODE" => Failure::new(
            Code::BadCode,
            "The code is wrong, used or too old.",
            "Ask for a new one: `stillage-server device-code`.",
        ),
        code => {
            return Failure::offline(format!("the server failed: {code} {message}"))
                .with(json!({ "reason": message, "code": code, "request": extensions["requestId"] }));
        }
    };
    failure.with(details)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateways_page_means_offline() {
        let page = b"<html><h1>502 Bad Gateway</h1>";
        let failure = read::<Value>(page, StatusCode::BAD_GATEWAY, "hello").unwrap_err();
        assert_eq!(failure.code, Code::Offline);
    }

    #[test]
    fn half_an_answer_means_offline() {
        let half = br#"{"data":{"hello":{"proto"#;
        assert_eq!(read::<Value>(half, StatusCode::OK, "hello").unwrap_err().code, Code::Offline);
    }

    #[test]
    fn an_unknown_token_means_signed_out() {
        let body = br#"{"errors":[{"message":"no","extensions":{"code":"UNAUTHENTICATED"}}]}"#;
        assert_eq!(read::<Value>(body, StatusCode::OK, "pull").unwrap_err().code, Code::SignedOut);
    }

    #[test]
    fn a_small_body_does_not_become_a_large_memory() {
        let bomb = zstd::bulk::compress(&vec![0; 65 * 1024 * 1024], 3).unwrap();
        assert_eq!(unpack(&bomb).unwrap_err().code, Code::Offline);
    }

    #[test]
    fn an_address_has_one_form() {
        assert_eq!(address(" http://a.example:8000/graphql/ ").unwrap().as_str(), "http://a.example:8000/");
        assert_eq!(address("stock.example").unwrap_err().code, Code::BadAddress);
    }
}
