//! What guards the door of the schema: who may look at it, how dear and how deep a request may be,
//! how many of them a caller may send; and that no error leaves without a code.
//!
//! The surprise: desktops have no bucket. What they ask for is paced by the sync protocol, and a
//! busy integration must never slow down a counter in the aisle.

use super::{
    cost::{Cost, cost},
    fault::ApiFault,
    gather::{Gathered, gathering},
    loaders,
    throttle::{Buckets, Level, Limits},
};
use crate::{
    app::{App, Principal, PrincipalKind},
    error::REQUEST_ID,
};
use async_graphql::{
    ErrorExtensionValues, Pos, Request, Response, ServerError, ServerResult, Value, Variables,
    extensions::{
        Extension, ExtensionContext, ExtensionFactory, NextExecute, NextParseQuery, NextPrepareRequest, NextRequest,
    },
    parser::types::{ExecutableDocument, OperationType},
    value,
};
use std::{
    any::TypeId,
    sync::{Arc, Mutex, PoisonError},
};
use stillage_core::id::DeviceId;

/// The guard, to be given to the schema's builder.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    limits: Limits,
    buckets: Arc<Buckets>,
}

/// The guard with these limits.
#[must_use]
pub fn extension(limits: Limits) -> Guard {
    Guard { limits, buckets: Arc::default() }
}

impl ExtensionFactory for Guard {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(Guarded { guard: self.clone(), spent: Mutex::new(None), gathered: Gathered::default() })
    }
}

/// What one request was charged.
#[derive(Debug, Clone, Copy)]
struct Spent {
    cost: Cost,
    mutation: bool,
    /// Whose bucket it came from, and what that held afterwards.
    bucket: Option<(DeviceId, Level)>,
}

struct Guarded {
    guard: Guard,
    spent: Mutex<Option<Spent>>,
    gathered: Gathered,
}

#[async_graphql::async_trait::async_trait]
impl Extension for Guarded {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        for error in &mut response.errors {
            coded(error);
        }
        let spent = *self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(spent) = spent {
            let shown = self.settled(spent, &response.data);
            response.extensions.insert("cost".into(), shown);
        }
        response
    }

    /// Strangers do not see the schema; everybody else gets loaders of their own.
    async fn prepare_request(
        &self,
        ctx: &ExtensionContext<'_>,
        request: Request,
        next: NextPrepareRequest<'_>,
    ) -> ServerResult<Request> {
        let given = request.data.get(&TypeId::of::<Principal>()).and_then(|data| data.downcast_ref::<Principal>());
        let principal = given.or_else(|| ctx.data_opt::<Principal>()).cloned();
        let request = match (principal, ctx.data_opt::<App>()) {
            (Some(principal), Some(app)) => loaders::attach(request, loaders::reader(app, &principal), &self.gathered),
            _ => request.disable_introspection(),
        };
        next.run(ctx, request).await
    }

    async fn execute(
        &self,
        ctx: &ExtensionContext<'_>,
        operation_name: Option<&str>,
        next: NextExecute<'_>,
    ) -> Response {
        gathering(self.gathered.clone(), Box::pin(next.run(ctx, operation_name))).await
    }

    async fn parse_query(
        &self,
        ctx: &ExtensionContext<'_>,
        query: &str,
        variables: &Variables,
        next: NextParseQuery<'_>,
    ) -> ServerResult<ExecutableDocument> {
        let document = next.run(ctx, query, variables).await?;
        let limits = &self.guard.limits;
        let cost = cost(&document, variables);
        if cost.depth > limits.max_depth {
            let (code, next) = ("TOO_DEEP", "Ask for the inner objects in a request of their own.");
            return Err(refused(code, format!("Fields may be nested {} deep.", limits.max_depth), next));
        }
        if cost.points > limits.max_cost {
            let text = format!("The request costs {} and the most is {}.", cost.points, limits.max_cost);
            return Err(refused("MAX_COST_EXCEEDED", text, "Ask for smaller pages or fewer fields."));
        }
        let mutation = document.operations.iter().any(|(_, operation)| operation.node.ty == OperationType::Mutation);
        let caller = ctx.data_opt::<Principal>().filter(|principal| principal.kind == PrincipalKind::Api);
        let now = ctx.data_opt::<App>().map_or(0, |app| app.mint.now());
        let bucket = caller.map(|who| (who.device, self.guard.buckets.take(limits, who.device, cost.points, now)));
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) = Some(Spent { cost, mutation, bucket });
        match bucket.and_then(|(_, level)| level.wait) {
            None => Ok(document),
            Some(wait) => {
                let text = format!("Too many points were spent; there are enough again in {wait} ms.");
                let mut error = refused("RATE_LIMITED", text, "Wait for retryAfterMs, then send the same request.");
                error.extensions.get_or_insert_default().set("retryAfterMs", wait);
                Err(error)
            }
        }
    }
}

impl Guarded {
    /// Gives back what a query did not use, and shows the bill.
    fn settled(&self, spent: Spent, data: &Value) -> Value {
        let limits = &self.guard.limits;
        let asked = spent.cost.points;
        let throttled = spent.bucket.is_some_and(|(_, level)| level.wait.is_some());
        let used = match (throttled, spent.mutation) {
            (true, _) => 0,
            (false, true) => asked,
            (false, false) => asked.min(objects(data)),
        };
        let available = match spent.bucket {
            Some((of, _)) if !throttled => self.guard.buckets.give_back(limits, of, asked - used),
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

/// Objects in an answer, the root aside.
fn objects(data: &Value) -> u64 {
    let inside = |value: &Value| objects(value) + u64::from(matches!(value, Value::Object(_)));
    match data {
        Value::Object(fields) => fields.values().map(inside).sum(),
        Value::List(list) => list.iter().map(inside).sum(),
        _ => 0,
    }
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
