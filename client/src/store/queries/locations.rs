//! The tree of places, in the order in which it is walked: a location, then everything under it.

use super::{all, stock, view};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use stillage_core::record::{Kind, Level, Location, LocationRole, Record};
use ts_rs::TS;
use uuid::Uuid;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LocationRow {
    pub id: String,
    pub code: String,
    pub name: String,
    pub parent: Option<String>,
    pub site: Option<String>,
    #[ts(type = "\"site\" | \"storage\" | \"virtual\"")]
    pub role: LocationRole,
    #[ts(type = "\"allow\" | \"warn\" | \"block\"")]
    pub negative: Level,
    /// Rows come in tree order.
    pub depth: u32,
    /// Distinct items with stock directly in it.
    pub items: u32,
    pub archived: bool,
}

struct Node {
    id: Uuid,
    archived: bool,
    location: Location,
}

/// Places that can hold stock; the virtual ones are no places to go to and are left out.
pub fn list(conn: &Connection, archived: bool) -> rusqlite::Result<Vec<LocationRow>> {
    let items = items_by_location(conn)?;
    let rows = walk(conn)?.into_iter().filter(|(_, node)| archived || !node.archived);
    Ok(rows.map(|(depth, node)| row(depth, node, &items)).collect())
}

/// A location and everything below it, in tree order.
pub fn below(conn: &Connection, top: Uuid) -> rusqlite::Result<Vec<Uuid>> {
    let mut inside = Vec::new();
    let mut depth_of_top = None;
    for (depth, node) in walk(conn)? {
        match depth_of_top {
            None if node.id == top => depth_of_top = Some(depth),
            Some(start) if depth > start => {}
            Some(_) => break,
            None => continue,
        }
        inside.push(node.id);
    }
    Ok(inside)
}

fn row(depth: u32, node: Node, items: &HashMap<Uuid, u32>) -> LocationRow {
    let Node { id, archived, location } = node;
    LocationRow {
        id: stillage_core::id::LocationId(id).to_string(),
        code: location.code,
        name: location.name,
        parent: location.parent.map(|parent| parent.to_string()),
        site: location.site.map(|site| site.to_string()),
        role: location.role,
        negative: location.negative,
        depth,
        items: items.get(&id).copied().unwrap_or(0),
        archived,
    }
}

fn items_by_location(conn: &Connection) -> rusqlite::Result<HashMap<Uuid, u32>> {
    let mut pairs: HashSet<(Uuid, Uuid)> = HashSet::new();
    stock::each_cell(conn, |cell| {
        if cell.on_hand != 0 {
            pairs.insert((cell.location, cell.item));
        }
    })?;
    let mut items = HashMap::new();
    for (location, _) in pairs {
        *items.entry(location).or_insert(0) += 1;
    }
    Ok(items)
}

/// The whole tree with depths. A location whose parent is not held here stands at the top.
fn walk(conn: &Connection) -> rusqlite::Result<Vec<(u32, Node)>> {
    let nodes = all(conn, Kind::Location)?.iter().map(node).collect::<rusqlite::Result<Vec<_>>>()?;
    let known: HashMap<Uuid, usize> = nodes.iter().enumerate().map(|(at, node)| (node.id, at)).collect();
    let mut children: HashMap<Option<Uuid>, Vec<usize>> = HashMap::new();
    for (at, node) in nodes.iter().enumerate().filter(|(_, node)| node.location.role != LocationRole::Virtual) {
        let parent = node.location.parent.map(|id| id.0).filter(|id| known.contains_key(id));
        children.entry(parent).or_default().push(at);
    }
    for siblings in children.values_mut() {
        siblings.sort_by_key(|&at| std::cmp::Reverse(natural(&nodes[at].location.code)));
    }
    let mut order = Vec::new();
    let mut open: Vec<(u32, usize)> =
        children.remove(&None).unwrap_or_default().into_iter().map(|at| (0, at)).collect();
    while let Some((depth, at)) = open.pop() {
        order.push((depth, at));
        let below = children.remove(&Some(nodes[at].id)).unwrap_or_default();
        open.extend(below.into_iter().map(|child| (depth + 1, child)));
    }
    let mut nodes: Vec<Option<Node>> = nodes.into_iter().map(Some).collect();
    Ok(order.into_iter().filter_map(|(depth, at)| nodes[at].take().map(|node| (depth, node))).collect())
}

fn node(record: &Record) -> rusqlite::Result<Node> {
    Ok(Node { id: record.of.id, archived: record.archived, location: view(record)? })
}

/// Sorts A2 before A10, as people do: every run of digits counts as its number.
fn natural(code: &str) -> Vec<(u64, String)> {
    let mut parts: Vec<(u64, String)> = Vec::new();
    let mut digits = String::new();
    let close = |digits: &mut String, parts: &mut Vec<(u64, String)>| {
        if !digits.is_empty() {
            parts.push((digits.parse().unwrap_or(u64::MAX), String::new()));
            digits.clear();
        }
    };
    for letter in code.chars().flat_map(char::to_lowercase) {
        if letter.is_ascii_digit() {
            digits.push(letter);
            continue;
        }
        close(&mut digits, &mut parts);
        match parts.last_mut() {
            Some((u64::MAX, text)) if !text.is_empty() => text.push(letter),
            _ => parts.push((u64::MAX, letter.to_string())),
        }
    }
    close(&mut digits, &mut parts);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_sort_by_their_numbers() {
        let mut codes = ["A10", "a2", "B1", "A1-10", "A1-9"];
        codes.sort_by_key(|code| natural(code));
        assert_eq!(codes, ["A1-9", "A1-10", "a2", "A10", "B1"]);
    }
}
