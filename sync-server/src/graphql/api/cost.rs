//! What a request costs, read from its text before it runs: an object 1, a list 2 and its rows
//! times what a row costs, a search 5, a total 5, a mutation 10. Plain values are free.
//!
//! The surprise: no type is looked at. A field with a selection is an object, one with `first` or
//! `last` a list; so a field added later has its cost without anybody remembering to give it one.

use async_graphql::{
    Name, Positioned, Variables,
    parser::types::{ExecutableDocument, Field, FragmentDefinition, OperationType, Selection, SelectionSet},
};
use std::{cell::Cell, collections::HashMap};

const LIST: u64 = 2;
const SEARCH: u64 = 5;
const TOTAL: u64 = 5;
const MUTATION: u64 = 10;
/// Fragments inside fragments are followed so far; the parser refuses circles later.
const NESTING: usize = 32;
/// So many selections are read, each fragment as often as it stands: thirty fragments that name the next one twice are
/// a billion, and nobody could pay for them.
const SELECTIONS: u32 = 10_000;

/// Cost and depth of a document: those of its dearest operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cost {
    pub points: u64,
    pub depth: usize,
}

struct Walk<'a> {
    variables: &'a Variables,
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    /// Selections that may still be read.
    left: Cell<u32>,
}

/// Reads what a document costs.
#[must_use]
pub fn cost(document: &ExecutableDocument, variables: &Variables) -> Cost {
    let walk = Walk { variables, fragments: &document.fragments, left: Cell::new(SELECTIONS) };
    let mut dearest = Cost::default();
    for (_, operation) in document.operations.iter() {
        let inside = walk.set(&operation.node.selection_set.node, 1, 0);
        let roots = operation.node.selection_set.node.items.len() as u64;
        let base = if operation.node.ty == OperationType::Mutation { MUTATION.saturating_mul(roots) } else { 0 };
        dearest.points = dearest.points.max(inside.points.saturating_add(base));
        dearest.depth = dearest.depth.max(inside.depth);
    }
    dearest
}

impl Walk<'_> {
    /// `rows` is how often the nodes of the list stand that this set is selected of.
    fn set(&self, set: &SelectionSet, rows: u64, nesting: usize) -> Cost {
        let mut sum = Cost::default();
        if nesting > NESTING {
            return Cost { points: 0, depth: usize::MAX };
        }
        for selection in &set.items {
            let Some(left) = self.left.get().checked_sub(1) else {
                return Cost { points: u64::MAX, depth: sum.depth };
            };
            self.left.set(left);
            let part = match &selection.node {
                Selection::Field(field) => self.field(&field.node, rows, nesting),
                Selection::InlineFragment(inline) => self.set(&inline.node.selection_set.node, rows, nesting + 1),
                Selection::FragmentSpread(spread) => match self.fragments.get(&spread.node.fragment_name.node) {
                    Some(fragment) => self.set(&fragment.node.selection_set.node, rows, nesting + 1),
                    None => Cost::default(),
                },
            };
            sum.points = sum.points.saturating_add(part.points);
            sum.depth = sum.depth.max(part.depth);
        }
        sum
    }

    fn field(&self, field: &Field, rows: u64, nesting: usize) -> Cost {
        let selected = &field.selection_set.node;
        if selected.items.is_empty() {
            let points = if field.name.node == "totalCount" { TOTAL } else { 0 };
            return Cost { points, depth: 1 };
        }
        let list = ["first", "last"].into_iter().filter_map(|name| self.argument(field, name)?.as_u64()).max();
        let ids = self.argument(field, "ids").and_then(|ids| Some(ids.as_array()?.len() as u64));
        let inside = self.set(selected, list.unwrap_or(1), nesting + 1);
        let points = match (field.name.node.as_str(), list, ids) {
            (_, Some(_), _) => inside.points.saturating_add(LIST),
            (_, None, Some(ids)) => ids.saturating_mul(inside.points.saturating_add(1)).saturating_add(LIST),
            ("nodes", ..) => rows.saturating_mul(inside.points.saturating_add(1)),
            ("edges", ..) => rows.saturating_mul(inside.points.max(1)),
            _ => inside.points.saturating_add(1),
        };
        let searches = self.argument(field, "query").is_some_and(|value| value != serde_json::Value::Null);
        let points = points.saturating_add(if searches { SEARCH } else { 0 });
        Cost { points, depth: inside.depth.saturating_add(1) }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<serde_json::Value> {
        let value = field.get_argument(name)?.node.clone();
        let known = |name: Name| Ok::<_, ()>(self.variables.get(&name).cloned().unwrap_or_default());
        value.into_const_with(known).ok()?.into_json().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_graphql::parser::parse_query;
    use serde_json::json;

    fn of(query: &str, variables: serde_json::Value) -> Cost {
        cost(&parse_query(query).unwrap(), &Variables::from_json(variables))
    }

    #[test]
    fn a_list_costs_its_rows_times_what_a_row_costs() {
        let query = "{ items(first: 50) { nodes { sku category { name } } } }";
        assert_eq!(of(query, json!({})), Cost { points: 102, depth: 4 });
    }

    #[test]
    fn a_size_in_a_variable_counts_the_same() {
        let query = "query Q($n: Int) { items(last: $n) { ...List } } fragment List on ItemConnection { nodes { id } }";
        assert_eq!(of(query, json!({ "n": 20 })).points, 22);
        let query = "{ items(first: 50) { totalCount edges { node { stock(first: 10) { nodes { onHand } } } } } }";
        assert_eq!(of(query, json!({})).points, 2 + 5 + 50 * (1 + 2 + 10));
    }

    #[test]
    fn fragments_that_double_each_other_cost_more_than_anybody_has() {
        let double = |n: usize| format!("fragment F{n} on Query {{ ...F{} ...F{} }} ", n + 1, n + 1);
        let chain: String = (0..30).map(double).collect();
        let query = format!("{{ ...F0 }} {chain} fragment F30 on Query {{ hello }}");
        assert_eq!(of(&query, json!({})).points, u64::MAX);
    }

    #[test]
    fn a_mutation_costs_ten_and_what_it_returns() {
        let query = "mutation { stockIssue(input: {}) { movement { id } } }";
        assert_eq!(of(query, json!({})).points, 12);
    }

    #[test]
    fn a_search_and_a_total_cost_five_each() {
        assert_eq!(of("{ items(first: 1, query: \"x\") { totalCount } }", json!({})).points, 12);
    }
}
