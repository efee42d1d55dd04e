//! A server with an empty organisation, and callers of its API.

use serde_json::{Value, json};
use std::{
    net::Ipv4Addr,
    sync::atomic::{AtomicU32, Ordering},
};
use stillage_core::id::DeviceId;
use stillage_server::{
    App, config,
    http::{HttpOptions, router},
    postgres::TrialDatabase,
    sync::enrol,
};
use tokio::{net::TcpListener, task::JoinHandle};

/// A running server; its database goes with it.
pub struct Server {
    pub app: App,
    url: String,
    http: reqwest::Client,
    serving: JoinHandle<()>,
    _database: TrialDatabase,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Somebody with a token, or without one.
pub struct Caller<'a> {
    server: &'a Server,
    token: Option<String>,
    pub device: Option<DeviceId>,
    keys: AtomicU32,
}

impl Server {
    pub async fn start() -> Self {
        let database = TrialDatabase::create().unwrap();
        let app = config::open_url(database.url()).await.unwrap();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let url = format!("http://{}/graphql", listener.local_addr().unwrap());
        let router = router(&app, &HttpOptions::default());
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { app, url, http: reqwest::Client::new(), serving, _database: database }
    }

    pub async fn caller(&self, may_write: bool) -> Caller<'_> {
        self.caller_of("Tess", may_write).await
    }

    /// A caller that acts for somebody by that name.
    pub async fn caller_of(&self, person: &str, may_write: bool) -> Caller<'_> {
        let token = enrol::token(&self.app, person, may_write).await.unwrap_or_else(|fault| panic!("{fault:?}"));
        Caller { server: self, token: Some(token.token), device: Some(token.device), keys: AtomicU32::new(0) }
    }

    pub fn stranger(&self) -> Caller<'_> {
        Caller { server: self, token: None, device: None, keys: AtomicU32::new(0) }
    }
}

impl Caller<'_> {
    /// The whole answer.
    pub async fn ask(&self, query: &str, variables: Value) -> Value {
        let request = self.server.http.post(&self.server.url).header("content-type", "application/json");
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let body = json!({ "query": query, "variables": variables }).to_string();
        let text = request.body(body).send().await.unwrap().text().await.unwrap();
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("not JSON: {text}"))
    }

    /// The data of an answer without errors.
    pub async fn data(&self, query: &str, variables: Value) -> Value {
        let answer = self.ask(query, variables).await;
        assert!(answer.get("errors").is_none(), "{answer:#}");
        answer["data"].clone()
    }

    /// The code of the only error of an answer.
    pub async fn code(&self, query: &str, variables: Value) -> String {
        let answer = self.ask(query, variables).await;
        let error = &answer["errors"][0];
        assert!(error["message"].as_str().is_some_and(|text| text.len() > 10), "{answer:#}");
        error["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer:#}")).to_owned()
    }

    /// The payload of a mutation under a new key: its entity's fields, the change and the errors.
    pub async fn change(&self, name: &str, fields: &str, mut input: Value) -> Value {
        if input.get("idempotencyKey").is_none() {
            input["idempotencyKey"] = json!(format!("key-{}", self.keys.fetch_add(1, Ordering::Relaxed)));
        }
        let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
        let query = format!(
            "mutation M($input: {kind}!) {{ {name}(input: $input) {{ {fields} \
             change {{ id outcome duplicate }} userErrors {{ code field message nextStep details }} }} }}"
        );
        self.data(&query, json!({ "input": input })).await[name].clone()
    }

    /// The same, which must have been done.
    pub async fn done(&self, name: &str, fields: &str, input: Value) -> Value {
        let payload = self.change(name, fields, input).await;
        assert_eq!(payload["userErrors"], json!([]), "{name}");
        payload
    }

    /// The same, which must have been refused for one reason: its code and field.
    pub async fn refused(&self, name: &str, fields: &str, input: Value) -> (String, String) {
        let payload = self.change(name, fields, input).await;
        let error = &payload["userErrors"][0];
        assert!(error["message"].as_str().is_some_and(|text| !text.is_empty()), "{payload:#}");
        assert!(error["nextStep"].as_str().is_some_and(|text| !text.is_empty()), "{payload:#}");
        let path: Vec<&str> = error["field"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        (error["code"].as_str().unwrap().to_owned(), path.join("."))
    }

    pub async fn item(&self, sku: &str, name: &str) -> String {
        let payload = self.done("itemCreate", "item { id }", json!({ "sku": sku, "name": name })).await;
        payload["item"]["id"].as_str().unwrap().to_owned()
    }

    /// A site with one bin: the ids of both.
    pub async fn site(&self, code: &str) -> (String, String) {
        let make = async |input: Value| {
            let payload = self.done("locationCreate", "location { id }", input).await;
            payload["location"]["id"].as_str().unwrap().to_owned()
        };
        let site = make(json!({ "code": code, "role": "SITE" })).await;
        let bin = make(json!({ "code": format!("{code}-A1"), "parentId": site })).await;
        (site, bin)
    }
}

/// The ids of a connection's nodes.
pub fn ids(list: &Value) -> Vec<String> {
    let nodes = list["nodes"].as_array().unwrap_or_else(|| panic!("{list:#}"));
    nodes.iter().map(|node| node["id"].as_str().unwrap().to_owned()).collect()
}
