//! From the body of a request to a GraphQL request, and from its answer back to a body.
//!
//! The surprise: messages of the sync protocol pass as texts. They are most of the bytes of a desktop's traffic, and as
//! values of GraphQL each would be built as a tree, copied into another tree, and only then read.

use crate::graphql::{api::limits::Guarded, sync::SpokenProtocol};
use async_graphql::{Name, Request, Response, Value, Variables};
use axum::{body::Bytes, http::HeaderMap};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::HashMap};

/// A request as it comes, its variables unread.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    #[serde(default, borrow)]
    query: Cow<'a, str>,
    #[serde(default)]
    operation_name: Option<String>,
    #[serde(default, borrow)]
    variables: Option<HashMap<Cow<'a, str>, &'a RawValue>>,
}

/// Reads a request. Variables that hold a message of the sync protocol stay the text they came as.
pub fn read(body: &Bytes, headers: &HeaderMap, guarded: &Guarded) -> serde_json::Result<Request> {
    let asked: Asked<'_> = serde_json::from_slice(body)?;
    let messages = guarded.messages(&asked.query);
    let mut variables = Variables::default();
    for (name, text) in asked.variables.unwrap_or_default() {
        let is_message = messages.iter().any(|message| *message == *name) && text.get() != "null";
        let value = if is_message {
            Value::Binary(body.slice_ref(text.get().as_bytes()))
        } else {
            serde_json::from_str(text.get())?
        };
        variables.insert(Name::new(name), value);
    }
    let mut request = Request::new(asked.query).variables(variables);
    request.operation_name = asked.operation_name;
    Ok(match spoken_protocol(headers) {
        Some(spoken) => request.data(spoken),
        None => request,
    })
}

fn spoken_protocol(headers: &HeaderMap) -> Option<SpokenProtocol> {
    let named = headers.get("x-stillage-protocol")?;
    // A version that is not a number is none that we speak.
    Some(SpokenProtocol(named.to_str().ok().and_then(|text| text.parse().ok()).unwrap_or(0)))
}

/// The answer as JSON.
pub fn write(response: &Response) -> serde_json::Result<Vec<u8>> {
    let mut out = Vec::with_capacity(1024);
    out.extend_from_slice(b"{\"data\":");
    value(&mut out, &response.data)?;
    if !response.extensions.is_empty() {
        out.extend_from_slice(b",\"extensions\":");
        serde_json::to_writer(&mut out, &response.extensions)?;
    }
    if !response.errors.is_empty() {
        out.extend_from_slice(b",\"errors\":");
        serde_json::to_writer(&mut out, &response.errors)?;
    }
    out.push(b'}');
    Ok(out)
}

fn value(out: &mut Vec<u8>, of: &Value) -> serde_json::Result<()> {
    match of {
        // A message of the sync protocol, which is JSON already.
        Value::Binary(text) => out.extend_from_slice(text),
        Value::Object(fields) => {
            out.push(b'{');
            for (index, (name, field)) in fields.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                serde_json::to_writer(&mut *out, name.as_str())?;
                out.push(b':');
                value(out, field)?;
            }
            out.push(b'}');
        }
        Value::List(list) => {
            out.push(b'[');
            for (index, row) in list.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                value(out, row)?;
            }
            out.push(b']');
        }
        plain => serde_json::to_writer(out, plain)?,
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::value;

    #[test]
    fn an_answer_is_the_same_json_with_its_messages_passed_on_as_they_are() {
        let plain = value!({ "a": [1, 2.5, true, null, "x\u{0}\"y"], "b": { "c": "EAN" }, "d": [], "e": {} });
        let mut response = Response::new(plain);
        let same = |response: &Response| {
            let read = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
            read(&write(response).unwrap()) == read(&serde_json::to_vec(response).unwrap())
        };
        assert!(same(&response));
        response.errors.push(async_graphql::ServerError::new("no", None));
        response.extensions.insert("cost".into(), value!({ "asked": 1 }));
        assert!(same(&response));
        let message = Value::Binary(Bytes::from_static(br#"{"heads":[ 1 ]}"#));
        let text = write(&Response::new(Value::List(vec![message]))).unwrap();
        assert_eq!(text, br#"{"data":[{"heads":[ 1 ]}]}"#);
    }
}
