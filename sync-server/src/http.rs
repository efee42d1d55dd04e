//! The HTTP face: one GraphQL endpoint, its socket, and whether the server lives and is ready.

mod auth;
mod body;
mod request_id;
mod snapshots;
mod socket;
#[cfg(test)]
mod tests;

pub use auth::Tokens;

use crate::{
    app::App,
    error::REQUEST_ID,
    graphql::{self, api::limits::Guarded},
    store::organisation,
};
use async_graphql::Executor;
use axum::{
    Json, Router,
    body::Bytes,
    extract::{DefaultBodyLimit, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    middleware,
    response::{Html, IntoResponse, Response},
    routing::get,
};
use request_id::RequestId;
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tower_http::{
    compression::{CompressionLayer, predicate::SizeAbove},
    cors::{AllowOrigin, CorsLayer},
    decompression::RequestDecompressionLayer,
    limit::RequestBodyLimitLayer,
    timeout::TimeoutLayer,
};

/// A request, unpacked and as it arrives.
const MAX_UNPACKED: usize = 16 * 1024 * 1024;
const MAX_PACKED: usize = 8 * 1024 * 1024;
const TIMEOUT: Duration = Duration::from_secs(60);
/// Smaller answers are not worth packing.
const PACK_ABOVE: u16 = 1024;

/// What an installation may choose about its HTTP face.
#[derive(Debug, Clone, Default)]
pub struct HttpOptions {
    /// Web origins that may call; none by default.
    pub cors_origins: Vec<String>,
    /// Serve the GraphiQL page.
    pub graphiql: bool,
}

/// What every handler can reach. Requests share one: the layers around a handler clone its state for each.
pub struct Web {
    pub app: App,
    pub schema: Guarded,
    pub tokens: Tokens,
    graphiql: bool,
}

/// The whole HTTP face of `app`.
pub fn router(app: &App, options: &HttpOptions) -> Router {
    let tokens = Tokens::new(app.pool.clone(), app.org, app.mint);
    let web = Arc::new(Web { app: app.clone(), schema: graphql::schema(app), tokens, graphiql: options.graphiql });
    let timeout = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, TIMEOUT);
    // The socket lives longer than any timeout, so the layer stands on the endpoints only.
    let endpoints = Router::new()
        .route("/graphql", get(socket::open_or_page).post(answer))
        .route("/graphql/ws", get(socket::open))
        .route("/ready", get(ready))
        .layer(timeout)
        .layer(DefaultBodyLimit::max(MAX_UNPACKED))
        .layer(RequestDecompressionLayer::new())
        .layer(RequestBodyLimitLayer::new(MAX_PACKED));
    // Chunks are packed already, and a part of one must stay that part.
    let chunks = Router::new().route("/snapshots/{snapshot}/{n}", get(snapshots::chunk)).layer(timeout);
    endpoints
        .route("/health", get(|| async { Json(json!({ "status": "live" })) }))
        .layer(CompressionLayer::new().compress_when(SizeAbove::new(PACK_ABOVE)))
        .merge(chunks)
        .layer(cors(&options.cors_origins))
        .layer(middleware::from_fn(request_id::name_and_log))
        .with_state(web)
}

fn cors(origins: &[String]) -> CorsLayer {
    if origins.is_empty() {
        return CorsLayer::new();
    }
    let origins: Vec<HeaderValue> = origins.iter().filter_map(|origin| origin.parse().ok()).collect();
    CorsLayer::new()
        .allow_origin(AllowOrigin::list(origins))
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION, header::CONTENT_TYPE, header::CONTENT_ENCODING])
        .max_age(Duration::from_secs(3600))
}

/// One GraphQL request. Whatever is wrong with it is said in GraphQL's own form.
async fn answer(
    State(web): State<Arc<Web>>,
    axum::Extension(RequestId(id)): axum::Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let request = match body::read(&body, &headers, &web.schema) {
        Ok(request) => request,
        Err(fault) => return bad_request(&id, &fault),
    };
    let answered = REQUEST_ID.scope(id, async {
        let known = web.tokens.principal(auth::bearer(&headers)).await;
        match known {
            Ok(principal) => web.schema.execute(graphql::with_principal(request, principal)).await,
            Err(error) => async_graphql::Response::from_errors(vec![
                async_graphql::Error::from(error).into_server_error(async_graphql::Pos::default()),
            ]),
        }
    });
    match body::write(&answered.await) {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text).into_response(),
        Err(fault) => {
            tracing::error!(%fault, "an answer could not be written");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

fn bad_request(id: &str, fault: &serde_json::Error) -> Response {
    let message = format!("The request is not a GraphQL request in JSON: {fault}.");
    let error = json!({ "message": message, "extensions": { "code": "BAD_INPUT", "requestId": id } });
    (StatusCode::BAD_REQUEST, Json(json!({ "errors": [error] }))).into_response()
}

/// Whether requests can be answered: the database is there and has every migration.
async fn ready(State(web): State<Arc<Web>>) -> Response {
    match organisation::is_current(&web.app.store).await {
        Ok(true) => Json(json!({ "status": "ready" })).into_response(),
        Ok(false) => not_ready("MIGRATIONS_PENDING"),
        Err(fault) => {
            tracing::warn!(%fault, "not ready");
            not_ready("DATABASE_UNREACHABLE")
        }
    }
}

fn not_ready(code: &str) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, Json(json!({ "status": "not ready", "code": code }))).into_response()
}

fn page() -> Response {
    let page = async_graphql::http::GraphiQLSource::build().endpoint("/graphql").subscription_endpoint("/graphql/ws");
    Html(page.finish()).into_response()
}
