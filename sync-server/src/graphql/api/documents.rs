//! Requests are read once: a program asks the same few texts again and again, with other variables.
//!
//! The surprise: what is bounded is the length of the texts, not their number, for a text of a megabyte is as easily
//! sent as a short one; and a text that is too long to be kept is simply read each time.

use crate::graphql::sync::SyncJson;
use async_graphql::{
    Name, ServerError,
    parser::{
        parse_query,
        types::{BaseType, ExecutableDocument},
    },
};
use quick_cache::{Weighter, sync::Cache};
use std::sync::Arc;

/// What was read from one text.
#[derive(Debug)]
pub struct Document {
    pub parsed: ExecutableDocument,
    /// The variables that hold messages of the sync protocol.
    pub messages: Vec<Name>,
}

/// Bytes of text that are kept in all; what was read from them takes some ten times that.
const KEPT: u64 = 256 * 1024;
/// How many texts that is likely to be.
const LIKELY: usize = 512;

#[derive(Debug, Clone)]
struct Length;

impl Weighter<String, Arc<Document>> for Length {
    fn weight(&self, text: &String, _: &Arc<Document>) -> u64 {
        text.len() as u64
    }
}

/// What was read from the texts that came lately.
pub struct Documents(Cache<String, Arc<Document>, Length>);

impl Default for Documents {
    fn default() -> Self {
        Self(Cache::with_weighter(LIKELY, KEPT, Length))
    }
}

impl From<ExecutableDocument> for Document {
    fn from(parsed: ExecutableDocument) -> Self {
        let variables = || parsed.operations.iter().flat_map(|(_, operation)| &operation.node.variable_definitions);
        // Operations of one document may give one name to variables of two types.
        let is_message = |name: &Name| {
            variables().filter(|variable| variable.node.name.node == *name).all(|variable| {
                matches!(&variable.node.var_type.node.base, BaseType::Named(name) if *name == SyncJson::NAME)
            })
        };
        let names = variables().map(|variable| &variable.node.name.node);
        let messages = names.filter(|name| is_message(name)).cloned().collect();
        Self { parsed, messages }
    }
}

impl Documents {
    /// The document of a text. Texts that cannot be read are not kept.
    pub fn read(&self, text: &str) -> Result<Arc<Document>, ServerError> {
        if let Some(known) = self.0.get(text) {
            return Ok(known);
        }
        let document = Arc::new(Document::from(parse_query(text)?));
        self.0.insert(text.to_owned(), Arc::clone(&document));
        Ok(document)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_once_and_texts_without_end_do_not_pile_up() {
        let documents = Documents::default();
        let first = documents.read("{ hello }").unwrap();
        assert!(Arc::ptr_eq(&first, &documents.read("{ hello }").unwrap()));
        assert!(documents.read("{ hello").is_err());
        for n in 0..20_000 {
            documents.read(&format!("{{ alias{n}: hello }}")).unwrap();
        }
        assert!(documents.0.weight() <= KEPT, "{} bytes are kept", documents.0.weight());
    }
}
