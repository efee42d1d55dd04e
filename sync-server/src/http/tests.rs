//! The HTTP face over a real socket.

use super::{HttpOptions, router};
use crate::{app::App, config::open_url, postgres::TrialDatabase, sync::enrol};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use stillage_core::id::DeviceId;
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{Message, client::IntoClientRequest},
};

struct Served {
    app: App,
    at: String,
    _database: TrialDatabase,
}

async fn serve() -> Served {
    let database = tokio::task::spawn_blocking(TrialDatabase::create).await.unwrap().unwrap();
    let app = open_url(database.url()).await.unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let router = router(&app, &HttpOptions::default());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    Served { app, at, _database: database }
}

impl Served {
    async fn desk(&self) -> (DeviceId, String) {
        let code = enrol::device_code(&self.app, "Desk", "Anna", &[]).await.unwrap().code;
        let device = DeviceId(self.app.mint.uuid());
        let input = json!({ "code": code, "device": device, "name": "Desk", "publicKey": "k", "forkedFrom": null });
        let query = "mutation($i: SyncJSON!) { enrolDevice(input: $i) }";
        let answer = self.ask(&[], json!({ "query": query, "variables": { "i": input } })).await;
        (device, answer["data"]["enrolDevice"]["token"].as_str().unwrap().to_owned())
    }

    fn post(&self, headers: &[(&'static str, &str)]) -> reqwest::RequestBuilder {
        let post = reqwest::Client::new().post(format!("http://{}/graphql", self.at));
        let post = post.header("content-type", "application/json");
        headers.iter().fold(post, |post, (name, value)| post.header(*name, *value))
    }

    async fn ask(&self, headers: &[(&'static str, &str)], body: Value) -> Value {
        let answer = self.post(headers).body(body.to_string()).send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    async fn socket(&self) -> WebSocketStream<MaybeTlsStream<TcpStream>> {
        let mut request = format!("ws://{}/graphql/ws", self.at).into_client_request().unwrap();
        request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
        connect_async(request).await.unwrap().0
    }
}

fn pull(device: DeviceId) -> Value {
    let input = json!({ "device": device, "epoch": null, "cursors": [], "settledSeq": 0, "maxRows": 10 });
    json!({ "query": "query($i: SyncJSON!) { pull(input: $i) }", "variables": { "i": input } })
}

fn code(answer: &Value) -> &str {
    answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
}

#[tokio::test]
async fn hello_needs_no_token_and_pull_does() {
    let served = serve().await;
    let hello = served.ask(&[], json!({ "query": "{ hello }" })).await;
    assert_eq!(hello["data"]["hello"]["epoch"], json!(served.app.epoch));
    assert_eq!(code(&served.ask(&[], pull(DeviceId(served.app.mint.uuid()))).await), "SIGNED_OUT");
    let stale = served.ask(&[("authorization", "Bearer nobody")], json!({ "query": "{ hello }" })).await;
    assert_eq!(code(&stale), "SIGNED_OUT");
}

#[tokio::test]
async fn another_protocol_may_push_and_is_told_to_upgrade_when_it_pulls() {
    let served = serve().await;
    let (device, token) = served.desk().await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-stillage-protocol", "99")];
    assert_eq!(code(&served.ask(&headers, pull(device)).await), "UPGRADE_REQUIRED");
    let input = json!({
        "device": device, "epoch": null, "firstSeq": 1, "changes": [],
        "prevChain": stillage_core::change::Digest::start(device),
    });
    let push = json!({
        "query": "mutation($i: SyncJSON!) { pushChanges(input: $i) }", "variables": { "i": input },
    });
    let pushed = served.ask(&headers, push).await;
    assert_eq!(pushed["data"]["pushChanges"]["refusal"], Value::Null);
    let spoken = [headers[0], ("x-stillage-protocol", "1")];
    assert!(served.ask(&spoken, pull(device)).await["data"]["pull"]["hasMore"].is_boolean());
}

#[tokio::test]
async fn a_malformed_input_is_named_and_no_fault_of_the_server() {
    let served = serve().await;
    let (_, token) = served.desk().await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str())];
    let answer = served.ask(&headers, json!({ "query": "{ pull(input: {device: 1}) }" })).await;
    assert_eq!(code(&answer), "BAD_INPUT");
    let answer = served.post(&headers).body("{").send().await.unwrap();
    assert_eq!(answer.status(), 400);
    assert!(answer.headers().contains_key("x-request-id"));
}

#[tokio::test]
async fn one_field_that_fails_leaves_the_others_and_names_its_code_and_the_request() {
    let served = serve().await;
    let (device, token) = served.desk().await;
    let bearer = format!("Bearer {token}");
    let headers = [("authorization", bearer.as_str()), ("x-request-id", "aisle-4")];
    let query = "query($i: SyncJSON!) { items(first: 1) { totalCount } item(id: \"loc_1\") { id }
        hello pull(input: $i) low: stock(first: 0) { totalCount } }";
    let variables = pull(device)["variables"].clone();
    let answer = served.ask(&headers, json!({ "query": query, "variables": variables })).await;
    assert_eq!(answer["data"]["items"]["totalCount"], 0, "{answer:#}");
    assert_eq!(answer["data"]["pull"]["heads"][0]["scope"], "catalogue");
    let mut errors: Vec<_> = answer["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| {
            let extensions = &error["extensions"];
            (error["path"][0].as_str(), extensions["code"].as_str(), extensions["requestId"].as_str())
        })
        .collect();
    errors.sort_unstable();
    let expected = [("item", "INVALID_ID"), ("low", "PAGE_SIZE_REQUIRED")];
    assert_eq!(errors, expected.map(|(path, code)| (Some(path), Some(code), Some("aisle-4"))));
}

#[tokio::test]
async fn a_packed_request_is_unpacked_and_a_bomb_is_refused() {
    let served = serve().await;
    let zstd = [("content-encoding", "zstd")];
    let packed = zstd::encode_all(&br#"{ "query": "{ hello }" }"#[..], 3).unwrap();
    let answer = served.post(&zstd).body(packed).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let bomb = zstd::encode_all(&vec![b' '; 64 * 1024 * 1024][..], 3).unwrap();
    assert!(bomb.len() < 100_000);
    let refused = served.post(&zstd).body(bomb).send().await.unwrap();
    assert_eq!(refused.status(), 413);
}

#[tokio::test]
async fn the_socket_pokes_whoever_shows_a_token_and_nobody_else() {
    let served = serve().await;
    let (_, token) = served.desk().await;
    let say = |text: Value| Message::text(text.to_string());
    let mut socket = served.socket().await;
    let init = json!({ "type": "connection_init", "payload": { "authorization": format!("Bearer {token}") } });
    socket.send(say(init)).await.unwrap();
    let poke = json!({ "id": "1", "type": "subscribe", "payload": { "query": "subscription { poke }" } });
    socket.send(say(poke)).await.unwrap();
    let acknowledged: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(acknowledged["type"], "connection_ack");
    let known: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(known["payload"]["data"]["poke"]["heads"][0]["scope"], "catalogue");
    // Another person enrols: the catalogue grows.
    enrol::device_code(&served.app, "Desk", "Ben", &[]).await.unwrap();
    let moved: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(moved["payload"]["data"]["poke"]["heads"], json!([{ "scope": "catalogue", "seq": 3 }]));

    let query = json!({ "query": "{ hello item(id: \"loc_1\") { id } items(first: 1) { nodes { onHand } } }" });
    socket.send(say(json!({ "id": "2", "type": "subscribe", "payload": query }))).await.unwrap();
    let answer: Value = serde_json::from_str(socket.next().await.unwrap().unwrap().to_text().unwrap()).unwrap();
    assert_eq!(answer["payload"]["data"]["hello"]["epoch"], json!(served.app.epoch), "{answer:#}");
    assert_eq!(code(&answer["payload"]), "INVALID_ID");

    let mut stranger = served.socket().await;
    stranger.send(say(json!({ "type": "connection_init" }))).await.unwrap();
    assert!(matches!(stranger.next().await, Some(Ok(Message::Close(_)))));
}

#[tokio::test]
async fn the_server_says_that_it_lives_and_is_ready() {
    let served = serve().await;
    for path in ["health", "ready"] {
        let answer = reqwest::get(format!("http://{}/{path}", served.at)).await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    sqlx::query("DELETE FROM _sqlx_migrations").execute(&served.app.pool).await.unwrap();
    let answer = reqwest::get(format!("http://{}/ready", served.at)).await.unwrap();
    assert_eq!(answer.status(), 503);
}

#[tokio::test]
async fn a_chunk_comes_whole_or_from_where_it_was_cut_off_and_only_with_a_token() {
    let served = serve().await;
    let (_, token) = served.desk().await;
    let manifest = crate::sync::snapshot::whole(&served.app).await.unwrap();
    let name = &manifest.chunks[0];
    let get = |range: Option<String>, token: &str| {
        let get = reqwest::Client::new().get(format!("http://{}/{}", served.at, name.path()));
        let get = get.header("authorization", format!("Bearer {token}"));
        range.into_iter().fold(get, |get, range| get.header("range", range)).send()
    };
    let whole = get(None, &token).await.unwrap();
    assert_eq!(whole.status().as_u16(), 200);
    assert_eq!(whole.headers()["accept-ranges"], "bytes");
    assert_eq!(whole.headers()["etag"], format!("\"{}\"", name.digest));
    let whole = whole.bytes().await.unwrap();
    assert_eq!(stillage_core::change::Digest::of(&[&whole]), name.digest);
    let rest = get(Some("bytes=10-".into()), &token).await.unwrap();
    assert_eq!(rest.status().as_u16(), 206);
    assert_eq!(rest.headers()["content-range"], format!("bytes 10-{}/{}", name.bytes - 1, name.bytes));
    assert_eq!(rest.bytes().await.unwrap(), whole[10..]);
    let beyond = get(Some(format!("bytes={}-", name.bytes)), &token).await.unwrap();
    assert_eq!(beyond.status().as_u16(), 416);
    assert_eq!(get(None, "stranger").await.unwrap().status().as_u16(), 401);
}
