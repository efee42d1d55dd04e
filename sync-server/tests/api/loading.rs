//! How many statements a request takes: as many for fifty items as for one.

use super::server::{Caller, Server, ids};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tracing::{Event, Subscriber, subscriber::DefaultGuard};
use tracing_subscriber::{
    Layer,
    layer::{Context, SubscriberExt},
};

/// Counts what sqlx sends. The whole test runs on one thread, so nothing escapes it.
#[derive(Clone, Default)]
struct Statements(Arc<AtomicUsize>);

impl<S: Subscriber> Layer<S> for Statements {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if event.metadata().target() == "sqlx::query" {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Statements {
    fn listen(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    fn take(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

const QUERY: &str = "query Q($n: Int!) { items(first: $n) { nodes { id onHand averageCost { minor }
    category { name parent { name } } barcodes { code } stock(first: 2) { totalCount nodes { onHand location { code } lot { code } } }
    movements(first: 2) { nodes { kind item { sku } from { location { code } } person { name } reversedBy { id } } } } } }";

async fn furnish(api: &Caller<'_>) {
    let (_, bin) = api.site("HQ").await;
    let category = api.done("categoryCreate", "category { id }", json!({ "name": "Screws" })).await;
    for n in 0..50 {
        let input = json!({ "sku": format!("S{n:02}"), "categoryId": category["category"]["id"] });
        let item = api.done("itemCreate", "item { id }", input).await;
        let item = &item["item"]["id"];
        api.done("barcodeCreate", "barcode { id }", json!({ "itemId": item, "code": format!("40{n:02}") })).await;
        let input = json!({ "itemId": item, "locationId": bin, "quantity": "3" });
        api.done("stockReceive", "movement { id }", input).await;
    }
}

#[tokio::test(flavor = "current_thread")]
async fn a_page_of_fifty_items_takes_as_many_statements_as_a_page_of_one() {
    let statements = Statements::default();
    let _listening = statements.listen();
    let server = Server::start().await;
    furnish(&server.caller(true).await).await;
    let reader = server.caller(false).await;
    let measured = async |n: u32| {
        statements.take();
        let answer = reader.data(QUERY, json!({ "n": n })).await;
        assert_eq!(ids(&answer["items"]).len(), usize::try_from(n).unwrap());
        assert_eq!(answer["items"]["nodes"][0]["barcodes"][0]["code"], "4000");
        statements.take()
    };
    measured(1).await;
    let (one, fifty) = (measured(1).await, measured(50).await);
    assert!(one > 0 && fifty <= one + 1, "one item: {one} statements, fifty: {fifty}");
    assert!(fifty <= 16, "{fifty} statements");
}
