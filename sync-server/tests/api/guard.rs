//! Who may ask what, and how much.

use super::server::{Server, ids};
use serde_json::json;
use stillage_server::sync::enrol;

#[tokio::test]
async fn a_stranger_sees_neither_data_nor_schema() {
    let server = Server::start().await;
    let stranger = server.stranger();
    assert_eq!(stranger.code("{ items(first: 1) { nodes { id } } }", json!({})).await, "SIGNED_OUT");
    assert_eq!(
        stranger
            .code("mutation { itemCreate(input: { idempotencyKey: \"a\", sku: \"A\" }) { change { id } } }", json!({}))
            .await,
        "SIGNED_OUT"
    );
    let schema = stranger.ask("{ __schema { queryType { name } } }", json!({})).await;
    assert!(schema["data"]["__schema"].is_null(), "{schema:#}");
    let api = server.caller(false).await;
    let schema = api.data("{ __schema { queryType { name } } }", json!({})).await;
    assert_eq!(schema["__schema"]["queryType"]["name"], "Query");
}

#[tokio::test]
async fn a_reading_token_writes_nothing() {
    let server = Server::start().await;
    let api = server.caller(false).await;
    let query = "mutation { itemCreate(input: { idempotencyKey: \"a\", sku: \"A\" }) { change { id } } }";
    assert_eq!(api.code(query, json!({})).await, "FORBIDDEN");
    assert_eq!(api.data("{ items(first: 1) { totalCount } }", json!({})).await["items"]["totalCount"], 0);
}

#[tokio::test]
async fn a_caller_of_one_site_sees_and_books_only_its_stock() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let item = api.item("A", "Bolt").await;
    let ((here, bin), (_, away)) = (api.site("HERE").await, api.site("AWAY").await);
    for (location, quantity) in [(&bin, "3"), (&away, "40")] {
        let input = json!({ "itemId": item, "locationId": location, "quantity": quantity });
        api.done("stockReceive", "movement { id }", input).await;
    }
    let limited = server.caller(true).await;
    let granted = enrol::grant(&server.app, limited.device.unwrap(), &["HERE".to_owned()]).await;
    assert!(granted.is_ok_and(|known| known), "the site {here} is granted");
    let query = "query Q($id: ID!) { item(id: $id) { onHand stock(first: 9) { nodes { onHand } } movements(first: 9) { totalCount } }
        stock(first: 9) { totalCount } movements(first: 9) { nodes { id quantity } } }";
    let read = limited.data(query, json!({ "id": item })).await;
    assert_eq!((&read["item"]["onHand"], &read["stock"]["totalCount"]), (&json!("3"), &json!(1)));
    assert_eq!(read["item"]["stock"]["nodes"], json!([{ "onHand": "3" }]));
    assert_eq!((&read["item"]["movements"]["totalCount"], ids(&read["movements"]).len()), (&json!(1), 1));

    let all = api.data("{ movements(first: 9) { nodes { id } } }", json!({})).await;
    let nodes = limited
        .data("query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids(&all["movements"]) }))
        .await;
    assert_eq!(nodes["nodes"].as_array().unwrap().iter().filter(|node| node.is_null()).count(), 1);
    let query = "mutation M($i: StockIssueInput!) { stockIssue(input: $i) { change { id } } }";
    let input = json!({ "idempotencyKey": "k", "itemId": item, "locationId": away, "quantity": "1" });
    assert_eq!(limited.code(query, json!({ "i": input })).await, "FORBIDDEN");
}

/// More than may run at once.
#[tokio::test]
async fn queries_that_wait_for_their_turn_are_all_answered() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    api.item("A", "Bolt").await;
    let asked = (0..64).map(|_| api.data("{ items(first: 1) { totalCount } }", json!({})));
    let answered = futures_util::future::join_all(asked).await;
    assert!(answered.iter().all(|answer| answer["items"]["totalCount"] == 1), "{answered:#?}");
}

#[tokio::test]
async fn a_page_wants_one_size_within_the_limit() {
    let server = Server::start().await;
    let api = server.caller(false).await;
    let cases = [
        ("{ items { nodes { id } } }", "PAGE_SIZE_REQUIRED"),
        ("{ items(first: 1, last: 1) { nodes { id } } }", "PAGE_SIZE_REQUIRED"),
        ("{ items(first: 0) { nodes { id } } }", "PAGE_SIZE_REQUIRED"),
        ("{ items(first: 251) { nodes { id } } }", "PAGE_TOO_LARGE"),
        ("{ items(first: 1, after: \"abc\") { nodes { id } } }", "INVALID_CURSOR"),
        ("{ item(id: \"loc_1\") { id } }", "INVALID_ID"),
        ("{ stock(first: 1, filter: { lessThan: 5 }) { nodes { onHand } } }", "BAD_INPUT"),
        ("{ items(first: 1) { nodes { colour } } }", "BAD_INPUT"),
        ("{ items(first: 1", "BAD_INPUT"),
    ];
    for (query, code) in cases {
        assert_eq!(api.code(query, json!({})).await, code, "{query}");
    }
    let many: Vec<String> = vec!["item_00000000000000000000000000000000".into(); 251];
    let query = "query Q($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    assert_eq!(api.code(query, json!({ "ids": many })).await, "TOO_MANY_IDS");
}

#[tokio::test]
async fn a_request_too_dear_or_too_deep_is_refused_before_it_runs() {
    let server = Server::start().await;
    let api = server.caller(false).await;
    let dear = "{ items(first: 250) { nodes { stock(first: 250) { nodes { onHand } } } } }";
    assert_eq!(api.code(dear, json!({})).await, "MAX_COST_EXCEEDED");
    let deep = format!("{{ items(first: 1) {{ nodes {{ {}id{} }} }} }}", "aliasOf { ".repeat(20), " }".repeat(20));
    assert_eq!(api.code(&deep, json!({})).await, "TOO_DEEP");
}

#[tokio::test]
async fn the_bill_is_in_the_answer_and_an_empty_bucket_says_when_to_come_back() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let answer = api.ask("{ items(first: 100) { nodes { id } } }", json!({})).await;
    let cost = &answer["extensions"]["cost"];
    assert_eq!((&cost["requestedQueryCost"], &cost["actualQueryCost"]), (&json!(102), &json!(1)), "{answer:#}");
    assert_eq!(cost["throttleStatus"]["maximumAvailable"], 2000);

    // A hundred mutations in one request cost more than what is left after the first.
    let one = |n: usize| {
        format!(
            "m{n}: itemArchive(input: {{ idempotencyKey: \"k\", id: \"none\", expectedVersion: null }}) {{ change {{ id }} }}"
        )
    };
    let many = format!("mutation {{ {} }}", (0..150).map(one).collect::<Vec<_>>().join(" "));
    assert!(api.ask(&many, json!({})).await.get("errors").is_none());
    let refused = api.ask(&many, json!({})).await;
    let extensions = &refused["errors"][0]["extensions"];
    assert_eq!(extensions["code"], "RATE_LIMITED", "{refused:#}");
    assert!(extensions["retryAfterMs"].as_u64() > Some(0));
    assert_eq!(server.caller(true).await.ask(&many, json!({})).await.get("errors"), None, "others have their own");
}
