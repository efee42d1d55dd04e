//! Stock is booked, and the ledger read back.

use super::server::{Caller, Server};
use serde_json::{Value, json};
use stillage_core::seed;

const STOCK: &str = "movement { id kind quantity at reason { code } from { location { code } } to { location { code } } } \
    stock { onHand status location { code } item { onHand } }";

async fn on_hand(api: &Caller<'_>, item: &str) -> Value {
    api.data("query Q($id: ID!) { item(id: $id) { onHand } }", json!({ "id": item })).await["item"]["onHand"].clone()
}

#[tokio::test]
async fn received_moved_issued_and_reversed_goods_add_up() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (site, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    let cost = json!({ "minor": "150", "currency": "EUR" });
    let input = json!({ "itemId": item, "locationId": bin, "quantity": "10", "unitCost": cost });
    let received = api.done("stockReceive", STOCK, input).await;
    assert_eq!(received["movement"]["kind"], "RECEIVE");
    assert_eq!(received["stock"][0]["onHand"], "10");
    let input = json!({ "itemId": item, "fromLocationId": bin, "toLocationId": site, "quantity": "4" });
    let moved = api.done("stockMove", STOCK, input).await;
    assert_eq!(moved["stock"].as_array().map(Vec::len), Some(2));
    let input = json!({ "itemId": item, "locationId": bin, "quantity": "1", "reference": "ORDER-7" });
    let issued = api.done("stockIssue", STOCK, input).await;
    assert_eq!(on_hand(&api, &item).await, "9");

    let reversed = api.done("stockReverse", STOCK, json!({ "movementId": issued["movement"]["id"] })).await;
    assert_eq!(on_hand(&api, &item).await, "10");
    let again = api.refused("stockReverse", STOCK, json!({ "movementId": issued["movement"]["id"] })).await;
    assert_eq!(again, ("ALREADY_REVERSED".into(), "input.movementId".into()));

    let query = "query Q($id: ID!) { item(id: $id) { averageCost { minor currency }
        stock(first: 9) { totalCount nodes { onHand location { code } } }
        movements(first: 9) { totalCount nodes { id kind person { name } reversedBy { id } reverses { id } } } }
        movements(first: 9, filter: { reference: \"ORDER-7\", kinds: [ISSUE] }) { nodes { id } }
        stock(first: 9, sortKey: LOCATION) { nodes { onHand location { code } } } }";
    let read = api.data(query, json!({ "id": item })).await;
    assert_eq!(read["item"]["averageCost"], json!({ "minor": "150", "currency": "EUR" }));
    let levels =
        json!([{ "onHand": "4", "location": { "code": "HQ" } }, { "onHand": "6", "location": { "code": "HQ-A1" } }]);
    assert_eq!((&read["item"]["stock"]["nodes"], &read["stock"]["nodes"]), (&levels, &levels));
    assert_eq!(read["item"]["movements"]["totalCount"], 4);
    let history = read["item"]["movements"]["nodes"].as_array().unwrap();
    assert_eq!(history[0]["reverses"]["id"], issued["movement"]["id"]);
    assert_eq!(history[1]["reversedBy"]["id"], reversed["movement"]["id"]);
    assert_eq!(super::server::ids(&read["movements"]).len(), 1);
}

#[tokio::test]
async fn an_absolute_set_wants_to_know_what_was_seen() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (_, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    let reason = seed::reason("COUNT_CORRECTION").to_string();
    let set = |to: &str, rest: Value| {
        let mut input = json!({ "itemId": item, "locationId": bin, "setTo": to, "reasonId": reason });
        input.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        input
    };
    let forgot = api.refused("stockAdjust", STOCK, set("5", json!({}))).await;
    assert_eq!(forgot, ("EXPECTED_ON_HAND_REQUIRED".into(), "input.expectedOnHand".into()));
    let first = api.done("stockAdjust", STOCK, set("5", json!({ "expectedOnHand": "0" }))).await;
    assert_eq!((&first["movement"]["quantity"], &first["stock"][0]["onHand"]), (&json!("5"), &json!("5")));
    let stale = api.change("stockAdjust", STOCK, set("9", json!({ "expectedOnHand": "0" }))).await;
    assert_eq!(stale["userErrors"][0]["code"], "ON_HAND_CONFLICT");
    assert_eq!(stale["userErrors"][0]["details"], json!({ "expected": "0", "current": "5" }));
    assert!(stale["change"].is_null());
    let forced = api.done("stockAdjust", STOCK, set("2", json!({ "expectedOnHand": null }))).await;
    assert_eq!(forced["movement"]["quantity"], "3");
    let same = api.done("stockAdjust", STOCK, set("2", json!({ "expectedOnHand": "2" }))).await;
    assert!(same["movement"].is_null() && same["change"].is_null());
    let both = api.refused("stockAdjust", STOCK, set("2", json!({ "delta": "1" }))).await;
    assert_eq!(both.0, "DELTA_OR_SET_TO");
    let input = json!({ "itemId": item, "locationId": bin, "delta": "-1" });
    assert_eq!(api.refused("stockAdjust", STOCK, input).await, ("REASON_REQUIRED".into(), "input.reasonId".into()));
    assert_eq!(on_hand(&api, &item).await, "2");
}

#[tokio::test]
async fn a_count_books_its_difference_and_says_when_it_agreed() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (_, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    let count = |seen: &str| json!({ "itemId": item, "locationId": bin, "counted": seen });
    let first = api.done("stockCount", STOCK, count("7")).await;
    assert_eq!((&first["movement"]["kind"], &first["movement"]["quantity"]), (&json!("COUNT_VARIANCE"), &json!("7")));
    let agreed = api.done("stockCount", STOCK, count("7")).await;
    assert!(agreed["movement"].is_null());
    assert_eq!((&agreed["change"]["outcome"], &agreed["stock"][0]["onHand"]), (&json!("APPLIED"), &json!("7")));
}

#[tokio::test]
async fn a_repeated_booking_is_booked_once() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (_, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    let input = json!({ "idempotencyKey": "delivery 1", "itemId": item, "locationId": bin, "quantity": "3" });
    let first = api.done("stockReceive", STOCK, input.clone()).await;
    let again = api.done("stockReceive", STOCK, input.clone()).await;
    assert_eq!(first["movement"], again["movement"]);
    let mut other = input;
    other["quantity"] = json!("4");
    assert_eq!(api.refused("stockReceive", STOCK, other).await.0, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH");
    assert_eq!(on_hand(&api, &item).await, "3");
}

#[tokio::test]
async fn what_the_rules_refuse_names_its_field_and_is_refused_again_alike() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (_, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    let issue = |quantity: &str| json!({ "itemId": item, "locationId": bin, "quantity": quantity });
    assert_eq!(
        api.refused("stockIssue", STOCK, issue("0")).await,
        ("QUANTITY_OUT_OF_RANGE".into(), "input.quantity".into())
    );
    assert_eq!(api.refused("stockIssue", STOCK, issue("0.5")).await.0, "QUANTITY_TOO_PRECISE");
    let lot = json!({ "itemId": item, "locationId": bin, "quantity": "1", "lot": { "code": "L1" } });
    assert_eq!(api.refused("stockIssue", STOCK, lot).await, ("LOT_NOT_KEPT".into(), "input.lot".into()));
    let nowhere = json!({ "itemId": item, "locationId": "loc_00000000000000000000000000000001", "quantity": "1" });
    assert_eq!(api.refused("stockIssue", STOCK, nowhere).await, ("NOT_FOUND".into(), "input.locationId".into()));
    let mut keyed = issue("0");
    keyed["idempotencyKey"] = json!("same");
    let first = api.change("stockIssue", STOCK, keyed.clone()).await;
    let again = api.change("stockIssue", STOCK, keyed).await;
    assert_eq!(first["userErrors"], again["userErrors"]);
    let mut free = issue("1");
    free["unitCost"] = json!({ "minor": "-1", "currency": "EUR" });
    assert_eq!(api.refused("stockReceive", STOCK, free).await, ("FIELD".into(), "input.unitCost".into()));
    let inbox = api.data("{ inbox(first: 1) { totalCount } }", json!({})).await;
    assert_eq!(inbox["inbox"]["totalCount"], 0, "whoever has the answer is not told again");
}

#[tokio::test]
async fn what_needs_a_look_waits_in_the_inbox_of_its_caller_until_it_is_answered() {
    let server = Server::start().await;
    let api = server.caller(true).await;
    let (item, (_, bin)) = (api.item("A", "Bolt").await, api.site("HQ").await);
    api.done("stockIssue", STOCK, json!({ "itemId": item, "locationId": bin, "quantity": "2" })).await;
    let query = "{ inbox(first: 9) { totalCount nodes { id kind resolved offered subject { __typename id } } } }";
    let inbox = api.data(query, json!({})).await["inbox"].clone();
    assert_eq!(inbox["totalCount"], 1, "{inbox:#}");
    let row = &inbox["nodes"][0];
    assert_eq!((&row["kind"], &row["subject"]["id"]), (&json!("NEGATIVE"), &json!(item)));
    let wrong = json!({ "id": row["id"], "answer": "MINE" });
    assert_eq!(api.refused("inboxResolve", "row { resolved }", wrong).await.0, "ANSWER_NOT_OFFERED");
    let answer = json!({ "id": row["id"], "answer": "DISCARD" });
    let resolved = api.done("inboxResolve", "row { resolved }", answer).await;
    assert_eq!(resolved["row"]["resolved"], true);
    let other = server.caller_of("Otto", true).await;
    let query = "query Q($id: ID!) { node(id: $id) { id } inbox(first: 1, filter: { resolved: null }) { totalCount } }";
    let seen = other.data(query, json!({ "id": row["id"] })).await;
    assert_eq!(seen, json!({ "node": null, "inbox": { "totalCount": 0 } }));
    let taken = json!({ "id": row["id"], "answer": "DISCARD" });
    assert_eq!(other.refused("inboxResolve", "row { resolved }", taken).await.0, "NOT_FOUND");
}
