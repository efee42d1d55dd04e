//! Everything the engine can be asked, in one list: name, handler, what it takes, what it answers.
//! From this list come the dispatch behind `Engine::call` and the TypeScript that the window is
//! checked against. A command marked `hidden` is for programs and not in that file.

pub mod app;
pub mod barcodes;
pub mod categories;
pub mod import;
pub mod inbox;
pub mod items;
pub mod locations;
pub mod outbox;
pub mod reasons;
pub mod records;
pub(crate) mod save;
pub mod scan;
pub mod stock;
pub mod sync;
pub mod typescript;

use crate::{
    Code, Engine, Failure,
    store::queries::{
        cells::Contents,
        history::MovementRow,
        inbox::InboxCard,
        items::{ItemCard, ItemCounts, ItemPage},
        locations::LocationRow,
        scan::ScanHit,
    },
};
use save::{Archive, Save, Saved};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};
use stock::{Recorded, StockEntry};
use ts_rs::TS;
use typescript::{Signature, config, mention};

/// What a command takes that takes nothing.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

macro_rules! commands {
    ($($name:literal $audience:ident $handler:path, $args:ty => $answer:ty;)*) => {
        /// Every command by name.
        pub const NAMES: &[&str] = &[$($name),*];

        /// Runs one command. Arguments it does not know are refused, with what was expected.
        pub async fn call(engine: &Engine, name: &str, args: Value) -> Result<Value, Failure> {
            match name {
                $($name => {
                    let args = arguments::<$args>($name, args)?;
                    let answer: $answer = Box::pin($handler(engine, args)).await?;
                    Ok(serde_json::to_value(answer)?)
                })*
                _ => Err(unknown(name)),
            }
        }

        /// What each command of the window takes and answers, in TypeScript.
        fn signatures() -> Vec<Signature> {
            let cfg = config();
            let all = [$((stringify!($audience), Signature {
                name: $name,
                takes: mention::<$args>(&cfg),
                answers: mention::<$answer>(&cfg),
            })),*];
            all.into_iter().filter(|(audience, _)| *audience == "window").map(|(_, signature)| signature).collect()
        }
    };
}

commands! {
    "app.gate" window app::gate, Nothing => crate::Gate;
    "app.create" window app::create, app::Create => crate::Gate;
    "app.unlock" window app::unlock, app::Unlock => crate::Gate;
    "app.status" window app::status, Nothing => app::Status;
    "app.connect" window app::connect, app::Connect => app::Status;
    "app.cut" window app::cut, app::Cut => app::Status;
    "app.rebuilt_seen" window app::rebuilt_seen, Nothing => app::Status;
    "app.traffic" hidden app::traffic, Nothing => crate::engine::Traffic;
    "sync.now" window sync::now, Nothing => app::Status;
    "sync.drain" hidden sync::drain, sync::Drain => crate::engine::SyncReport;
    "outbox.export" hidden outbox::export, outbox::Carried => crate::sync::carry::Exported;
    "outbox.import" hidden outbox::import, outbox::Carried => crate::sync::carry::Imported;
    "items.list" window items::list, items::ListItems => ItemPage;
    "items.counts" window items::counts, Nothing => ItemCounts;
    "items.get" window items::get, items::GetItem => ItemCard;
    "items.history" window items::history, items::History => Vec<MovementRow>;
    "items.save" window items::save, Save => Saved;
    "items.archive" window items::archive, Archive => Recorded;
    "barcodes.save" window barcodes::save, Save => Saved;
    "barcodes.archive" window barcodes::archive, Archive => Recorded;
    "locations.list" window locations::list, locations::ListLocations => Vec<LocationRow>;
    "locations.contents" window locations::contents, locations::LocationContents => Contents;
    "locations.save" window locations::save, Save => Saved;
    "locations.archive" window locations::archive, Archive => Recorded;
    "categories.list" window categories::list, Nothing => Vec<categories::CategoryRow>;
    "categories.save" window categories::save, Save => Saved;
    "reasons.list" window reasons::list, Nothing => Vec<reasons::ReasonRow>;
    "reasons.save" window reasons::save, Save => Saved;
    "stock.receive" window stock::receive, StockEntry => Recorded;
    "stock.issue" window stock::issue, StockEntry => Recorded;
    "stock.move" window stock::transfer, StockEntry => Recorded;
    "stock.adjust" window stock::adjust, StockEntry => Recorded;
    "stock.count" window stock::count, StockEntry => Recorded;
    "stock.reverse" window stock::reverse, stock::Reversal => Recorded;
    "stock.record" hidden stock::record, stock::Entries => stock::AllRecorded;
    "stock.find_reference" hidden stock::find_reference, stock::Reference => stock::ReferenceCount;
    "scan.resolve" window scan::resolve, scan::Scan => ScanHit;
    "inbox.list" window inbox::list, inbox::ListInbox => Vec<InboxCard>;
    "inbox.resolve" window inbox::resolve, inbox::Answer => Recorded;
    "import.preview" window import::preview, import::Source => crate::import::ImportReport;
    "import.run" window import::run, import::Source => crate::import::ImportReport;
    "records.import" hidden records::import, records::Records => records::Imported;
}

fn arguments<T: DeserializeOwned + TS>(name: &str, args: Value) -> Result<T, Failure> {
    let args = if args.is_null() { json!({}) } else { args };
    serde_json::from_value(args).map_err(|fault| {
        Failure::bad_input(format!("{name} does not take this: {fault}."))
            .with(json!({ "command": name, "expected": T::inline(&config()) }))
    })
}

fn unknown(name: &str) -> Failure {
    let message = format!("There is no command {name:?}.");
    Failure::new(Code::UnknownCommand, message, "Choose one of the commands in `details`.")
        .with(json!({ "commands": NAMES }))
}
