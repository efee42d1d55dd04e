//! What guards the door of the schema: who may look at it, how dear and how deep a request may be,
//! how many of them a caller may send, and how many run at once; and that no error leaves without a code.
//!
//! The surprise: it stands around the schema and is no extension of it. An extension, even one that only looks at
//! whole requests, is called for every field of an answer, and a page of a list has a thousand.
//! And desktops have no bucket: what they ask for is paced by the sync protocol, and a busy integration must never
//! slow down a counter in the aisle.

use super::{
    cost::{Cost, cost},
    documents::Documents,
    fault::ApiFault,
    gather::{Gathered, gathering},
    loaders,
    throttle::{Buckets, Level, Limits},
};
use crate::{
    app::{App, Principal, PrincipalKind},
    error::REQUEST_ID,
    graphql::Schema,
};
use async_graphql::{
    Data, ErrorExtensionValues, Executor, Name, Pos, Request, Response, ServerError, Value,
    parser::types::{ExecutableDocument, OperationType},
    value,
};
use futures_util::{
    StreamExt,
    stream::{self, BoxStream},
};
use std::{any::TypeId, sync::Arc};
use stillage_core::id::DeviceId;
use tokio::sync::Semaphore;

/// Queries that run at once. What one needs while it runs is many times its answer, and the processors and Postgres have
/// enough to do with so many; the others wait before anything is made for them.
const TURNS: usize = 16;

/// The schema behind its guard. Cheap to clone.
#[derive(Clone)]
pub struct Guarded(Arc<Inner>);

struct Inner {
    schema: Schema,
    app: App,
    limits: Limits,
    buckets: Buckets,
    documents: Documents,
    turns: Semaphore,
}

/// What one request was charged.
#[derive(Debug, Clone, Copy)]
struct Spent {
    cost: Cost,
    mutation: bool,
    /// Whose bucket it came from, and what that held afterwards.
    bucket: Option<(DeviceId, Level)>,
}

/// A request that may run.
struct Admitted {
    request: Request,
    spent: Spent,
    gathered: Gathered,
    subscribes: bool,
    /// Waits for its turn. What desktops ask for does not, and neither does what changes something.
    waits: bool,
}

impl Executor for Guarded {
    async fn execute(&self, request: Request) -> Response {
        match self.admit(request, None) {
            Ok(admitted) => self.run(admitted).await,
            Err(refusal) => *refusal,
        }
    }

    fn execute_stream(&self, request: Request, session: Option<Arc<Data>>) -> BoxStream<'static, Response> {
        match self.admit(request, session.as_deref()) {
            Err(refusal) => stream::once(std::future::ready(*refusal)).boxed(),
            Ok(admitted) if admitted.subscribes => {
                let session = session.unwrap_or_default();
                let answers = self.0.schema.execute_stream_with_session_data(admitted.request, session);
                answers.map(all_coded).boxed()
            }
            Ok(admitted) => {
                let guarded = self.clone();
                stream::once(async move {
                    let mut response = guarded.run(admitted).await;
                    as_trees(&mut response.data);
                    response
                })
                .boxed()
            }
        }
    }
}

impl Guarded {
    #[must_use]
    pub fn new(schema: Schema, app: App, limits: Limits) -> Self {
        let (buckets, documents, turns) = (Buckets::default(), Documents::default(), Semaphore::new(TURNS));
        Self(Arc::new(Inner { schema, app, limits, buckets, documents, turns }))
    }

    /// The variables of a request's text that hold messages of the sync protocol.
    pub fn messages(&self, query: &str) -> Vec<Name> {
        self.0.documents.read(query).map(|document| document.messages.clone()).unwrap_or_default()
    }

    /// Reads a request, weighs it and takes its cost from the caller's bucket; or refuses it before anything ran.
    fn admit(&self, mut request: Request, session: Option<&Data>) -> Result<Admitted, Box<Response>> {
        let Inner { app, limits, buckets, documents, .. } = &*self.0;
        let document = documents.read(&request.query).map_err(|fault| answer_of(fault, None))?;
        let cost = cost(&document.parsed, &request.variables);
        allowed(limits, cost).map_err(|fault| answer_of(fault, None))?;
        let principal = principal(&request.data).or_else(|| session.and_then(principal)).cloned();
        let mutation =
            document.parsed.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation);
        let caller = principal.as_ref().filter(|principal| principal.kind == PrincipalKind::Api);
        let now = app.mint.now();
        let bucket = caller.map(|who| (who.device, buckets.take(limits, who.device, cost.points, now)));
        let spent = Spent { cost, mutation, bucket };
        if let Some(wait) = bucket.and_then(|(_, level)| level.wait) {
            let text = format!("Too many points were spent; there are enough again in {wait} ms.");
            let mut error = refused("RATE_LIMITED", text, "Wait for retryAfterMs, then send the same request.");
            error.extensions.get_or_insert_default().set("retryAfterMs", wait);
            return Err(answer_of(error, Some(self.settled(spent, &Value::Null))));
        }
        let gathered = Gathered::default();
        let subscribes = subscribes(&document.parsed, request.operation_name.as_deref());
        let waits = !mutation && document.messages.is_empty();
        request.set_parsed_query(document.parsed.clone());
        // Strangers do not see the schema; everybody else gets loaders of their own.
        let request = match principal {
            Some(principal) => {
                let reader = loaders::reader(app, &principal);
                loaders::attach(request.data(principal), reader, &gathered)
            }
            None => request.disable_introspection(),
        };
        Ok(Admitted { request, spent, gathered, subscribes, waits })
    }

    async fn run(&self, admitted: Admitted) -> Response {
        let Admitted { request, spent, gathered, waits, .. } = admitted;
        let turn = if waits { self.0.turns.acquire().await.ok() } else { None };
        let response = gathering(gathered, Box::pin(self.0.schema.execute(request))).await;
        drop(turn);
        let mut response = all_coded(response);
        let shown = self.settled(spent, &response.data);
        response.extensions.insert("cost".into(), shown);
        response
    }

    /// Gives back what a query did not use, and shows the bill.
    fn settled(&self, spent: Spent, data: &Value) -> Value {
        let limits = &self.0.limits;
        let asked = spent.cost.points;
        let throttled = spent.bucket.is_some_and(|(_, level)| level.wait.is_some());
        let used = match (throttled, spent.mutation) {
            (true, _) => 0,
            (false, true) => asked,
            (false, false) => asked.min(objects(data)),
        };
        let available = match spent.bucket {
            Some((of, _)) if !throttled => self.0.buckets.give_back(limits, of, asked - used),
            Some((_, level)) => level.available,
            None => limits.capacity,
        };
        value!({
            "requestedQueryCost": asked,
            "actualQueryCost": used,
            "throttleStatus": {
                "maximumAvailable": limits.capacity,
                "currentlyAvailable": available,
                "restoreRate": limits.per_second,
            },
        })
    }
}

fn principal(data: &Data) -> Option<&Principal> {
    data.get(&TypeId::of::<Principal>())?.downcast_ref()
}

/// Whether the operation that is to run is a subscription.
fn subscribes(document: &ExecutableDocument, named: Option<&str>) -> bool {
    let is_named = |name: Option<&str>| named.is_none_or(|named| name == Some(named));
    let mut operations = document.operations.iter();
    operations.any(|(name, operation)| {
        is_named(name.map(|name| name.as_str())) && operation.node.ty == OperationType::Subscription
    })
}

fn allowed(limits: &Limits, cost: Cost) -> Result<(), ServerError> {
    if cost.depth > limits.max_depth {
        let (code, next) = ("TOO_DEEP", "Ask for the inner objects in a request of their own.");
        return Err(refused(code, format!("Fields may be nested {} deep.", limits.max_depth), next));
    }
    if cost.points > limits.max_cost {
        let text = format!("The request costs {} and the most is {}.", cost.points, limits.max_cost);
        return Err(refused("MAX_COST_EXCEEDED", text, "Ask for smaller pages or fewer fields."));
    }
    Ok(())
}

/// The socket writes answers by itself and knows no texts that are JSON already.
fn as_trees(data: &mut Value) {
    match data {
        Value::Binary(text) => *data = serde_json::from_slice(text).unwrap_or_default(),
        Value::Object(fields) => fields.values_mut().for_each(as_trees),
        Value::List(list) => list.iter_mut().for_each(as_trees),
        _ => {}
    }
}

/// Objects in an answer, the root aside.
fn objects(data: &Value) -> u64 {
    let inside = |value: &Value| objects(value) + u64::from(matches!(value, Value::Object(_)));
    match data {
        Value::Object(fields) => fields.values().map(inside).sum(),
        Value::List(list) => list.iter().map(inside).sum(),
        _ => 0,
    }
}

/// The answer to a request that did not run.
fn answer_of(fault: ServerError, cost: Option<Value>) -> Box<Response> {
    let mut response = all_coded(Response::from_errors(vec![fault]));
    response.extensions.extend(cost.map(|cost| ("cost".into(), cost)));
    Box::new(response)
}

fn all_coded(mut response: Response) -> Response {
    response.errors.iter_mut().for_each(coded);
    response
}

fn refused(code: &'static str, message: String, next: &'static str) -> ServerError {
    async_graphql::Error::from(ApiFault::request(code, message, next)).into_server_error(Pos::default())
}

/// What the library itself refuses (syntax, unknown fields, values of the wrong type) is bad input.
fn coded(error: &mut ServerError) {
    let extensions: &mut ErrorExtensionValues = error.extensions.get_or_insert_default();
    if extensions.get("code").is_some() {
        return;
    }
    extensions.set("code", "BAD_INPUT");
    extensions.set("nextStep", "Check the request against the schema.");
    extensions.set("requestId", REQUEST_ID.try_with(Clone::clone).unwrap_or_default());
}
