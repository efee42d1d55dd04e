//! The bytes of snapshots: plain HTTP, for whoever may hold the scope, whole or from where it was cut off.

use super::{Web, auth};
use crate::store::{devices, snapshots};
use axum::{
    Json,
    body::Body,
    extract::{Path, State},
    http::{HeaderMap, Response, StatusCode, header},
    response::IntoResponse,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use headers::{HeaderMapExt, Range};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::{ops::Bound, sync::Arc};
use uuid::Uuid;

/// One chunk. It never changes: its name and its ETag are enough to go on with it.
pub async fn chunk(
    State(web): State<Arc<Web>>,
    Path((snapshot, n)): Path<(Uuid, u32)>,
    headers: HeaderMap,
) -> axum::response::Response {
    let app = &web.app;
    let principal = match web.tokens.principal(auth::bearer(&headers)).await {
        Ok(Some(principal)) => principal,
        Ok(None) => return refused(StatusCode::UNAUTHORIZED, "SIGNED_OUT"),
        Err(error) => return failed(error),
    };
    let found = match snapshots::body(&app.pool, app.org, (snapshot, n)).await {
        Ok(Some(found)) => found,
        Ok(None) => return refused(StatusCode::NOT_FOUND, "NOT_FOUND"),
        Err(fault) => return failed(fault.into()),
    };
    if !devices::holds(&principal, found.scope) {
        return refused(StatusCode::FORBIDDEN, "FORBIDDEN");
    }
    if let Err(fault) = snapshots::used(&app.pool, app.org, &[snapshot], app.mint.now()).await {
        tracing::warn!(%fault, "the use of a snapshot could not be noted");
    }
    let etag = format!("\"{}\"", found.digest);
    answer(found.bytes, &etag, headers.typed_get::<Range>())
}

/// The whole, the part that was asked for, or that there is no such part. Of several parts none is given: the whole is.
fn answer(bytes: Vec<u8>, etag: &str, range: Option<Range>) -> axum::response::Response {
    let length = bytes.len();
    // A part without an end is taken for satisfiable wherever it begins.
    let wanted: Option<Vec<_>> = range.map(|range| {
        let parts = range.satisfiable_ranges(length as u64).map(|(from, to)| bounds(from, to, length));
        parts.filter(|part| !part.is_empty()).collect()
    });
    let (status, part) = match wanted.as_deref() {
        None | Some([_, _, ..]) => (StatusCode::OK, 0..length),
        Some([]) => {
            let said = [(header::CONTENT_RANGE, format!("bytes */{length}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, said).into_response();
        }
        Some([part]) => (StatusCode::PARTIAL_CONTENT, part.clone()),
    };
    let body = bytes.get(part.clone()).unwrap_or_default().to_vec();
    let digest = format!("sha-256=:{}:", STANDARD.encode(Sha256::digest(&body)));
    let mut response = Response::builder()
        .status(status)
        .header(header::CONTENT_TYPE, "application/zstd")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, etag)
        .header(header::CACHE_CONTROL, "private, immutable, max-age=86400")
        .header("content-digest", digest);
    if status == StatusCode::PARTIAL_CONTENT {
        let said = format!("bytes {}-{}/{length}", part.start, part.end.saturating_sub(1));
        response = response.header(header::CONTENT_RANGE, said);
    }
    response.body(Body::from(body)).unwrap_or_else(|_| StatusCode::INTERNAL_SERVER_ERROR.into_response())
}

fn bounds(from: Bound<u64>, to: Bound<u64>, length: usize) -> std::ops::Range<usize> {
    let at = |place: u64| usize::try_from(place).unwrap_or(length).min(length);
    let start = match from {
        Bound::Included(place) => at(place),
        Bound::Excluded(place) => at(place.saturating_add(1)),
        Bound::Unbounded => 0,
    };
    let end = match to {
        Bound::Included(place) => at(place.saturating_add(1)),
        Bound::Excluded(place) => at(place),
        Bound::Unbounded => length,
    };
    start..end.max(start)
}

fn failed(error: crate::error::ServerError) -> axum::response::Response {
    let status = match error.code() {
        "SIGNED_OUT" => StatusCode::UNAUTHORIZED,
        "UNAVAILABLE" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    };
    let code = error.code();
    // Logs what is our own fault.
    let _ = async_graphql::Error::from(error);
    refused(status, code)
}

fn refused(status: StatusCode, code: &str) -> axum::response::Response {
    (status, Json(json!({ "code": code }))).into_response()
}
