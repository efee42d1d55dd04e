//! The socket of the poke: graphql-transport-ws. A desktop shows its token in the header of the
//! handshake or in `connection_init`; without one there is nothing to listen to.

use super::{Web, auth, page, request_id::RequestId};
use crate::{
    app::Principal,
    error::{REQUEST_ID, ServerError},
};
use async_graphql::{Data, http::ALL_WEBSOCKET_PROTOCOLS};
use async_graphql_axum::{GraphQLProtocol, GraphQLWebSocket};
use axum::{
    Extension,
    extract::{State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use std::sync::Arc;

/// What a socket reads and writes at a time. It mostly has nothing to say, and there are hundreds.
const BUFFER: usize = 2048;
/// The greatest request over a socket.
const MOST: usize = super::MAX_PACKED;

type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// GET on the endpoint itself: the socket, or the page for people if it is switched on.
pub async fn open_or_page(
    state: State<Arc<Web>>,
    id: Extension<RequestId>,
    headers: HeaderMap,
    protocol: Result<GraphQLProtocol, StatusCode>,
    upgrade: Upgrade,
) -> Response {
    match (upgrade, protocol) {
        (Ok(upgrade), Ok(protocol)) => open(state, id, headers, protocol, upgrade).await,
        _ if state.graphiql => page(),
        _ => StatusCode::METHOD_NOT_ALLOWED.into_response(),
    }
}

pub async fn open(
    State(web): State<Arc<Web>>,
    Extension(RequestId(id)): Extension<RequestId>,
    headers: HeaderMap,
    protocol: GraphQLProtocol,
    upgrade: WebSocketUpgrade,
) -> Response {
    let shown = auth::bearer(&headers).map(str::to_owned);
    let upgrade = upgrade.read_buffer_size(BUFFER).write_buffer_size(0).max_message_size(MOST).max_frame_size(MOST);
    upgrade.protocols(ALL_WEBSOCKET_PROTOCOLS).on_upgrade(move |socket| async move {
        let schema = web.schema.clone();
        let greet = move |payload: serde_json::Value| async move {
            let said = payload.get("authorization").and_then(|value| value.as_str()).and_then(auth::token);
            let token = said.or(shown.as_deref());
            let principal = web.tokens.principal(token).await?.ok_or(ServerError::SignedOut)?;
            Ok(data(principal))
        };
        let socket = GraphQLWebSocket::new(socket, schema, protocol).on_connection_init(greet);
        REQUEST_ID.scope(id, socket.serve()).await;
    })
}

fn data(principal: Principal) -> Data {
    let mut data = Data::default();
    data.insert(principal);
    data
}
