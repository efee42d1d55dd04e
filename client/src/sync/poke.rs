//! The poke: a socket on which the server says that something is new, and nothing else. It speaks
//! graphql-transport-ws. When it is down, polling does the same more slowly.

use super::transport::{Transport, unreachable};
use crate::{Code, Failure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use stillage_core::wire::Cursor;
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

/// How long the line may be silent before we ask whether it is still there.
const QUIET: Duration = Duration::from_secs(25);
/// The handshake and every answer to a question about life.
const PATIENCE: Duration = Duration::from_secs(10);

type Socket = WebSocketStream<reqwest::Upgraded>;

/// Listens until the line breaks. The beginning is a reason to look as well: something may have happened while nobody
/// listened.
pub(super) async fn listen(transport: &Transport) -> Failure {
    match tokio::time::timeout(PATIENCE, open(transport)).await {
        Ok(Ok(mut socket)) => {
            transport.inner.sync.listens_anew();
            match hear(&mut socket, transport).await {
                Ok(()) => Failure::offline("the socket was closed"),
                Err(failure) => failure,
            }
        }
        Ok(Err(failure)) => failure,
        Err(_) => Failure::offline("no answer to the socket's handshake"),
    }
}

async fn open(transport: &Transport) -> Result<Socket, Failure> {
    let key = STANDARD.encode(transport.mint().secret::<16>());
    let request = transport
        .socket("graphql/ws")
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("sec-websocket-key", &key)
        .header("sec-websocket-protocol", "graphql-transport-ws");
    let response = request.send().await.map_err(unreachable)?;
    let accepted = response.headers().get("sec-websocket-accept").map(|value| value.as_bytes().to_vec());
    if accepted != Some(derive_accept_key(key.as_bytes()).into_bytes()) {
        return Err(Failure::offline(format!("HTTP {} instead of a socket", response.status())));
    }
    let line = response.upgrade().await.map_err(unreachable)?;
    let mut socket = WebSocketStream::from_raw_socket(line, Role::Client, None).await;
    let authorization = transport.authorization();
    say(&mut socket, transport, &json!({ "type": "connection_init", "payload": { "authorization": authorization } }))
        .await?;
    let answer = receive(&mut socket, transport).await?;
    if answer["type"] != "connection_ack" {
        return Err(Failure::new(Code::SignedOut, "The socket was refused.", "Connect the device again."));
    }
    let subscribe = json!({ "id": "poke", "type": "subscribe", "payload": { "query": "subscription Poke { poke }" } });
    say(&mut socket, transport, &subscribe).await?;
    Ok(socket)
}

async fn hear(socket: &mut Socket, transport: &Transport) -> Result<(), Failure> {
    loop {
        let message = match tokio::time::timeout(QUIET, receive(socket, transport)).await {
            Ok(message) => message?,
            Err(_) => {
                say(socket, transport, &json!({ "type": "ping" })).await?;
                tokio::time::timeout(PATIENCE, receive(socket, transport))
                    .await
                    .map_err(|_| Failure::offline("the socket is silent"))??
            }
        };
        match message["type"].as_str().unwrap_or_default() {
            "next" => {
                let heads: Vec<Cursor> =
                    serde_json::from_value(message["payload"]["data"]["poke"]["heads"].clone()).unwrap_or_default();
                transport.inner.sync.poked(heads);
            }
            "ping" => say(socket, transport, &json!({ "type": "pong" })).await?,
            "error" | "complete" => return Ok(()),
            _ => {}
        }
    }
}

async fn say(socket: &mut Socket, transport: &Transport, message: &Value) -> Result<(), Failure> {
    let text = message.to_string();
    transport.count(text.len(), 0);
    socket.send(Message::text(text)).await.map_err(broken)
}

async fn receive(socket: &mut Socket, transport: &Transport) -> Result<Value, Failure> {
    loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) => {
                transport.count(0, text.len());
                return serde_json::from_str(&text).map_err(|_| Failure::offline("the socket speaks another language"));
            }
            Some(Ok(Message::Close(_))) | None => return Err(Failure::offline("the socket was closed")),
            Some(Ok(_)) => {}
            Some(Err(fault)) => return Err(broken(fault)),
        }
    }
}

fn broken(fault: tokio_tungstenite::tungstenite::Error) -> Failure {
    Failure::offline(fault.to_string())
}
