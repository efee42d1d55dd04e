//! The poke: a socket on which the server says that something is new, and brings it when it is little. It speaks
//! graphql-transport-ws. When it is down, polling does the same more slowly.

use super::{
    page, pull,
    round::blocking,
    transport::{Transport, unreachable},
};
use crate::{Code, Failure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use stillage_core::wire::{Followed, Poke};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{Message, handshake::derive_accept_key, protocol::Role},
};

/// How long the line may be silent before we ask whether it is still there.
const QUIET: Duration = Duration::from_secs(25);
/// The handshake and every answer to a question about life.
const PATIENCE: Duration = Duration::from_secs(10);

/// The names of the two subscriptions.
const FOLLOW: &str = "follow";
const LISTEN: &str = "poke";

type Socket = WebSocketStream<reqwest::Upgraded>;

/// Listens until the line breaks. The beginning is a reason to look as well: something may have happened while nobody
/// listened.
pub(super) async fn listen(transport: &Transport) -> Failure {
    match tokio::time::timeout(PATIENCE, open(transport)).await {
        Ok(Ok(mut socket)) => match hear(&mut socket, transport).await {
            Ok(()) => Failure::offline("the socket was closed"),
            Err(failure) => failure,
        },
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
    let store = transport.inner.opened()?.store;
    let follow = blocking(move || store.read(pull::asked_for)).await?;
    let query = "subscription Poke($follow: SyncJSON) { poke(follow: $follow) }";
    subscribe(&mut socket, transport, FOLLOW, json!({ "query": query, "variables": { "follow": follow } })).await?;
    transport.inner.sync.listens_anew();
    Ok(socket)
}

async fn subscribe(socket: &mut Socket, transport: &Transport, id: &str, payload: Value) -> Result<(), Failure> {
    say(socket, transport, &json!({ "id": id, "type": "subscribe", "payload": payload })).await
}

async fn hear(socket: &mut Socket, transport: &Transport) -> Result<(), Failure> {
    let mut subscribed = FOLLOW;
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
        let is_poke = message["payload"]["data"]["poke"].is_object();
        match message["type"].as_str().unwrap_or_default() {
            "ping" => say(socket, transport, &json!({ "type": "pong" })).await?,
            "next" if is_poke => transport.inner.sync.poked(poke(message)?),
            // A server that does not know how to bring anything is asked to say it at least.
            "next" | "error" if message["id"] == FOLLOW && subscribed == FOLLOW => {
                subscribed = LISTEN;
                subscribe(socket, transport, LISTEN, json!({ "query": "subscription Poke { poke }" })).await?;
            }
            "error" | "complete" if message["id"] == subscribed => {
                // The server has ended it: this device may hold more, or less, than when it began to listen.
                transport.inner.sync.nudge();
                return Ok(());
            }
            _ => {}
        }
    }
}

fn poke(mut message: Value) -> Result<Poke, Failure> {
    let poke = serde_json::from_value(message["payload"]["data"]["poke"].take());
    let mut poke: Poke = poke.map_err(|_| Failure::offline("the socket speaks another language"))?;
    if let Some(followed) = poke.followed.take() {
        let answer = page::unpacked(followed.answer)?;
        poke.followed = Some(Followed { answer, ..followed });
    }
    Ok(poke)
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
