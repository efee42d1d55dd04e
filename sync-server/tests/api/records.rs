//! Records are made, edited and put away.

use super::server::Server;
use serde_json::json;

const ITEM: &str = "item { id version archived sku name minimum aliases category { name } }";

#[tokio::test]
async fn a_new_item_stands_as_it_was_sent_and_is_found_by_every_key() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let category = api.done("categoryCreate", "category { id }", json!({ "name": "Screws" })).await;
    let input = json!({
        "sku": "BOLT-8", "name": "Hex bolt M8", "categoryId": category["category"]["id"], "minimum": "12.50",
        "displayScale": 2, "packs": [{ "code": "BOX", "numerator": "12" }], "aliases": ["M8x40"],
    });
    let payload = api.done("itemCreate", ITEM, input).await;
    let item = &payload["item"];
    assert_eq!((item["sku"].as_str(), item["minimum"].as_str()), (Some("BOLT-8"), Some("12.5")));
    assert_eq!(item["category"]["name"], "Screws");
    assert_eq!(payload["change"]["outcome"], "APPLIED");
    let code = json!({ "itemId": item["id"], "code": "4006381333931", "unit": "BOX", "unitsPerScan": "12" });
    api.done("barcodeCreate", "barcode { id code item { sku } }", code).await;

    let query = "query Q($id: ID!) { item(id: $id) { id packs { code numerator } } bySku: itemBySku(sku: \"bolt-8\") { id }
        byCode: itemByBarcode(code: \"4006381333931\") { id barcodes { code unitsPerScan } }
        node(id: $id) { __typename id ... on Versioned { version } } nodes(ids: [$id, \"mov_00000000000000000000000000000000\"]) { id } }";
    let found = api.data(query, json!({ "id": item["id"] })).await;
    for name in ["item", "bySku", "byCode", "node"] {
        assert_eq!(found[name]["id"], item["id"], "{name}");
    }
    assert_eq!(found["node"]["__typename"], "Item");
    assert_eq!(found["nodes"], json!([{ "id": item["id"] }, null]));
    assert_eq!(found["byCode"]["barcodes"], json!([{ "code": "4006381333931", "unitsPerScan": "12" }]));
    assert_eq!(found["item"]["packs"], json!([{ "code": "BOX", "numerator": "12" }]));
}

#[tokio::test]
async fn a_taken_sku_is_refused_whatever_its_case() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    api.item("BOLT-8", "Bolt").await;
    let refused = api.refused("itemCreate", ITEM, json!({ "sku": "bolt-8" })).await;
    assert_eq!(refused, ("KEY_TAKEN".into(), "input.sku".into()));
}

#[tokio::test]
async fn an_edit_of_an_older_version_is_refused_and_shows_what_stands() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let made = api.done("itemCreate", ITEM, json!({ "sku": "A", "name": "first" })).await;
    let (id, seen) = (&made["item"]["id"], &made["item"]["version"]);
    let edit = |version: &serde_json::Value, name: &str| json!({ "id": id, "expectedVersion": version, "name": name });
    let second = api.done("itemUpdate", ITEM, edit(seen, "second")).await;
    assert_eq!(second["item"]["name"], "second");

    let third = api.change("itemUpdate", ITEM, edit(seen, "third")).await;
    assert_eq!(third["userErrors"][0]["code"], "VERSION_CONFLICT");
    assert_eq!(third["userErrors"][0]["field"], json!(["input", "expectedVersion"]));
    assert_eq!(third["item"]["name"], "second");

    let forced = api.done("itemUpdate", ITEM, edit(&json!(null), "forced")).await;
    assert_eq!(forced["item"]["name"], "forced");
    let forgot = api.refused("itemUpdate", ITEM, json!({ "id": id, "name": "x" })).await;
    assert_eq!(forgot, ("EXPECTED_VERSION_REQUIRED".into(), "input.expectedVersion".into()));
}

#[tokio::test]
async fn a_null_clears_a_field_and_what_is_left_out_stays() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let input = json!({ "sku": "A", "name": "stays", "minimum": "5" });
    let made = api.done("itemCreate", ITEM, input).await;
    let edit = json!({ "id": made["item"]["id"], "expectedVersion": made["item"]["version"], "minimum": null });
    let edited = api.done("itemUpdate", ITEM, edit).await;
    assert_eq!((&edited["item"]["minimum"], &edited["item"]["name"]), (&json!(null), &json!("stays")));
}

#[tokio::test]
async fn an_archived_item_gives_its_sku_free_and_leaves_the_lists() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let made = api.done("itemCreate", ITEM, json!({ "sku": "A" })).await;
    let input = json!({ "id": made["item"]["id"], "expectedVersion": made["item"]["version"] });
    let put_away = api.done("itemArchive", ITEM, input).await;
    assert_eq!(put_away["item"]["archived"], true);
    let lists =
        "{ standing: items(first: 9) { totalCount } away: items(first: 9, filter: { archived: true }) { totalCount }
        all: items(first: 9, filter: { archived: null }) { totalCount } }";
    api.item("a", "another").await;
    let counts = api.data(lists, json!({})).await;
    let count = |name: &str| counts[name]["totalCount"].as_i64();
    assert_eq!((count("standing"), count("away"), count("all")), (Some(1), Some(1), Some(2)));
}

#[tokio::test]
async fn the_same_key_answers_the_first_outcome_and_other_input_is_refused() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let input = json!({ "idempotencyKey": "order 7", "sku": "A", "name": "once" });
    let first = api.done("itemCreate", ITEM, input.clone()).await;
    let again = api.done("itemCreate", ITEM, input.clone()).await;
    assert_eq!(again["item"], first["item"]);
    assert_eq!((&first["change"]["duplicate"], &again["change"]["duplicate"]), (&json!(false), &json!(true)));

    let mut other = input.clone();
    other["name"] = json!("twice");
    let refused = api.refused("itemCreate", ITEM, other).await;
    assert_eq!(refused, ("IDEMPOTENCY_KEY_PARAMETER_MISMATCH".into(), "input.idempotencyKey".into()));
    let edit = json!({ "idempotencyKey": "order 7", "id": first["item"]["id"], "expectedVersion": null });
    assert_eq!(api.refused("itemUpdate", ITEM, edit).await.0, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");

    let elsewhere = server.caller(true).await;
    assert_eq!(elsewhere.refused("itemCreate", ITEM, input).await.0, "KEY_TAKEN", "a key is its caller's own");
}

#[tokio::test]
async fn a_key_sent_twice_at_once_does_one_thing() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let input = json!({ "idempotencyKey": "both", "sku": "A" });
    let sent = (0..8).map(|_| api.change("itemCreate", ITEM, input.clone()));
    let ends = futures_util::future::join_all(sent).await;
    assert!(ends.iter().all(|end| end["userErrors"] == json!([]) && end["item"] == ends[0]["item"]), "{ends:#?}");
    let firsts = ends.iter().filter(|end| end["change"]["duplicate"] == false).count();
    assert_eq!(firsts, 1);
}

#[tokio::test]
async fn every_bad_field_has_a_code_and_a_place() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let long = "x".repeat(201);
    let cases = [
        (json!({ "sku": "" }), "FIELD", "input.sku"),
        (json!({ "sku": "A", "name": long }), "FIELD", "input.name"),
        (json!({ "sku": "A", "displayScale": 7 }), "FIELD", "input.displayScale"),
        (json!({ "sku": "A", "categoryId": "item_00" }), "FIELD", "input.categoryId"),
        (json!({ "sku": "A", "minimum": "-1" }), "FIELD", "input.minimum"),
        (json!({ "sku": "A", "id": "loc_1" }), "INVALID_ID", "input.id"),
        (json!({ "sku": "A", "aliases": vec!["a"; 101] }), "LIST_TOO_LONG", "input.aliases"),
        (json!({ "sku": "A", "idempotencyKey": "" }), "IDEMPOTENCY_KEY_INVALID", "input.idempotencyKey"),
        (json!({ "sku": "A", "idempotencyKey": long }), "IDEMPOTENCY_KEY_INVALID", "input.idempotencyKey"),
    ];
    for (input, code, field) in cases {
        let refused = api.refused("itemCreate", ITEM, input.clone()).await;
        assert_eq!(refused, (code.to_owned(), field.to_owned()), "{input}");
    }
    let made = api.item("A", "first").await;
    let twice = api.refused("itemCreate", ITEM, json!({ "sku": "B", "id": made })).await;
    assert_eq!(twice, ("ID_TAKEN".into(), "input.id".into()));
}

#[tokio::test]
async fn a_tree_of_locations_is_walked_both_ways() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (site, bin) = api.site("HQ").await;
    let query = "query Q($site: ID!, $bin: ID!) {
        site: node(id: $site) { ... on Location { children(first: 9) { totalCount nodes { id } } } }
        bin: node(id: $bin) { ... on Location { code parent { id } site { id } negativeStock } }
        locations(first: 9, filter: { sites: [$site] }) { nodes { id } } }";
    let found = api.data(query, json!({ "site": site, "bin": bin })).await;
    assert_eq!(found["site"]["children"], json!({ "totalCount": 1, "nodes": [{ "id": bin }] }));
    assert_eq!((&found["bin"]["parent"]["id"], &found["bin"]["site"]["id"]), (&json!(site), &json!(site)));
    assert_eq!(super::server::ids(&found["locations"]), [site.clone(), bin.clone()]);
    let edit = json!({ "id": bin, "expectedVersion": null, "negativeStock": "BLOCK", "code": "HQ-B2" });
    let edited = api.done("locationUpdate", "location { code negativeStock }", edit).await;
    assert_eq!(edited["location"], json!({ "code": "HQ-B2", "negativeStock": "BLOCK" }));
    let looped = json!({ "id": site, "expectedVersion": null, "parentId": bin });
    assert!(!api.change("locationUpdate", "location { id }", looped).await["userErrors"][0].is_null());
}
