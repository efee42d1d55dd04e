//! Pages, orders, filters and search.

use super::server::{Caller, Server, ids};
use serde_json::{Value, json};
use std::collections::BTreeSet;

async fn page(api: &Caller<'_>, arguments: &str) -> Value {
    let query = format!(
        "{{ items({arguments}) {{ nodes {{ id sku }} edges {{ cursor }} \
         pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} }} }}"
    );
    api.data(&query, json!({})).await["items"].clone()
}

fn skus(list: &Value) -> Vec<&str> {
    list["nodes"].as_array().unwrap().iter().filter_map(|node| node["sku"].as_str()).collect()
}

async fn items(api: &Caller<'_>, skus: impl IntoIterator<Item = String>) {
    for sku in skus {
        api.item(&sku, &format!("Item {sku}")).await;
    }
}

#[tokio::test]
async fn pages_forward_have_no_gap_and_no_repeat_while_rows_are_inserted() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    items(&api, (0..20).map(|n| format!("S{:03}", n * 10))).await;
    let mut seen: Vec<String> = Vec::new();
    let mut after = String::new();
    for round in 0.. {
        let list = page(&api, &format!("first: 6{after}")).await;
        seen.extend(ids(&list));
        // One behind the cursor, one before the rest: neither moves what is still to come.
        items(&api, [format!("S000-{round}"), format!("S{:03}", 191 + round)]).await;
        assert_eq!(list["pageInfo"]["hasPreviousPage"], round > 0);
        if list["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = format!(", after: {}", list["pageInfo"]["endCursor"]);
    }
    let distinct: BTreeSet<&String> = seen.iter().collect();
    assert_eq!(distinct.len(), seen.len(), "no row came twice");
    assert!(seen.len() >= 20);
    let all = page(&api, "first: 100").await;
    let listed: Vec<String> = ids(&all).into_iter().filter(|id| seen.contains(id)).collect();
    assert_eq!(listed, seen, "the pages are in the order of the list");
}

#[tokio::test]
async fn pages_backward_end_where_the_list_begins() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    items(&api, (0..7).map(|n| format!("S{n}"))).await;
    let tail = page(&api, "last: 3").await;
    assert_eq!(skus(&tail), ["S4", "S5", "S6"]);
    assert_eq!(tail["pageInfo"]["hasPreviousPage"], true);
    let before = format!("last: 3, before: {}", tail["pageInfo"]["startCursor"]);
    items(&api, ["S7".into(), "S00".into()]).await;
    let middle = page(&api, &before).await;
    assert_eq!(skus(&middle), ["S1", "S2", "S3"]);
    assert_eq!(middle["pageInfo"]["hasNextPage"], true);
    let head = page(&api, &format!("last: 9, before: {}", middle["pageInfo"]["startCursor"])).await;
    assert_eq!((skus(&head), &head["pageInfo"]["hasPreviousPage"]), (vec!["S0", "S00"], &json!(false)));
}

#[tokio::test]
async fn every_order_goes_both_ways() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    for (sku, name) in [("C", "alpha"), ("A", "Gamma"), ("B", "beta")] {
        api.item(sku, name).await;
    }
    let cases =
        [("sortKey: SKU", ["A", "B", "C"]), ("sortKey: NAME", ["C", "B", "A"]), ("sortKey: VERSION", ["C", "A", "B"])];
    for (order, expected) in cases {
        assert_eq!(skus(&page(&api, &format!("first: 9, {order}")).await), expected, "{order}");
        let mut reversed = expected;
        reversed.reverse();
        assert_eq!(skus(&page(&api, &format!("first: 9, reverse: true, {order}")).await), reversed, "{order}");
    }
    let first = page(&api, "first: 1, sortKey: NAME").await;
    let next = format!("first: 9, sortKey: NAME, after: {}", first["pageInfo"]["endCursor"]);
    assert_eq!(skus(&page(&api, &next).await), ["B", "A"]);
}

#[tokio::test]
async fn a_search_shows_exact_codes_first_then_beginnings_then_words() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let scanned = api.item("ZZ-1", "Scanned").await;
    for (sku, name) in [("M8", "Nut"), ("M8-40", "Hex bolt"), ("X-1", "M8 washer"), ("X-2", "Zinc washer for M8")] {
        api.item(sku, name).await;
    }
    api.item("100%_A", "Odd code").await;
    api.done("barcodeCreate", "barcode { id }", json!({ "itemId": scanned, "code": "m8" })).await;
    let found = async |query: &str| {
        let list = page(&api, &format!("first: 9, query: {}", json!(query))).await;
        skus(&list).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(found("m8").await, ["M8", "ZZ-1", "M8-40", "X-1", "X-2"]);
    assert_eq!(found("washer zin").await, ["X-2"]);
    assert_eq!(found("%_").await, ["100%_A"]);
    assert_eq!(found("nothing").await, Vec::<String>::new());
    let first = page(&api, "first: 2, query: \"M8\"").await;
    let rest = page(&api, &format!("first: 9, query: \"M8\", after: {}", first["pageInfo"]["endCursor"])).await;
    assert_eq!(skus(&rest), ["M8-40", "X-1", "X-2"]);
    assert_eq!(api.code("{ items(first: 1, sortKey: RELEVANCE) { nodes { id } } }", json!({})).await, "BAD_INPUT");
}

#[tokio::test]
async fn filters_narrow_and_totals_count_every_page() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let category = api.done("categoryCreate", "category { id }", json!({ "name": "Screws" })).await;
    let category = &category["category"]["id"];
    for sku in ["A", "B"] {
        api.done("itemCreate", "item { id }", json!({ "sku": sku, "categoryId": category })).await;
    }
    api.item("C", "no category").await;
    let query = "query Q($c: [ID!]) { items(first: 1, filter: { categories: $c }) { totalCount nodes { sku } }
        categories(first: 9) { nodes { name } } reasons(first: 250) { totalCount } suppliers(first: 1) { totalCount } }";
    let read = api.data(query, json!({ "c": [category] })).await;
    assert_eq!(read["items"], json!({ "totalCount": 2, "nodes": [{ "sku": "A" }] }));
    assert_eq!(read["categories"]["nodes"], json!([{ "name": "Screws" }]));
    assert!(read["reasons"]["totalCount"].as_i64() > Some(20));
}

#[tokio::test]
async fn stock_and_movements_page_both_ways() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (_, bin) = api.site("HQ").await;
    for n in 0..5 {
        let item = api.item(&format!("S{n}"), "x").await;
        let input = json!({ "itemId": item, "locationId": bin, "quantity": (n + 1).to_string() });
        api.done("stockReceive", "movement { id }", input).await;
    }
    let walk = async |list: &str, field: &str| {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let query =
                format!("{{ {list}(first: 2{after}) {{ nodes {{ {field} }} pageInfo {{ hasNextPage endCursor }} }} }}");
            let page = api.data(&query, json!({})).await[list].clone();
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| node[field].clone()));
            if page["pageInfo"]["hasNextPage"] == false {
                return seen;
            }
            after = format!(", after: {}", page["pageInfo"]["endCursor"]);
        }
    };
    assert_eq!(walk("movements", "quantity").await, ["5", "4", "3", "2", "1"]);
    let mut levels: Vec<String> =
        walk("stock", "onHand").await.iter().map(|v| v.as_str().unwrap().to_owned()).collect();
    levels.sort();
    assert_eq!(levels, ["1", "2", "3", "4", "5"]);
    let filtered = "{ stock(first: 9, filter: { moreThan: \"1\", lessThan: \"4\" }) { totalCount } }";
    assert_eq!(api.data(filtered, json!({})).await["stock"]["totalCount"], 2);
}
