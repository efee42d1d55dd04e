//! Every request has an id: the caller's, if it sent a sensible one, else a new one. It is in the
//! answer, in every log line of the request, and in the errors it leads to.

use crate::mint::Mint;
use axum::{
    extract::Request,
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

const HEADER: HeaderName = HeaderName::from_static("x-request-id");

#[derive(Debug, Clone)]
pub struct RequestId(pub String);

pub async fn name_and_log(mut request: Request, next: Next) -> Response {
    let mint = Mint;
    let given = request.headers().get(&HEADER).and_then(|value| value.to_str().ok()).filter(|id| is_sensible(id));
    let id = given.map_or_else(|| mint.uuid().as_simple().to_string(), str::to_owned);
    request.extensions_mut().insert(RequestId(id.clone()));
    let span = tracing::info_span!("request", request = id, method = %request.method(), path = request.uri().path());
    let began = mint.instant();
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = mint.instant().duration_since(began);
    span.in_scope(|| {
        tracing::debug!(status = response.status().as_u16(), micros = took.as_micros(), "answered");
    });
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(HEADER, value);
    }
    response
}

fn is_sensible(id: &str) -> bool {
    (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}
