//! The verbs and what each of them takes, as they are typed.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// Keeps the stock of a warehouse, with or without a network.
#[derive(Debug, Parser)]
#[command(name = "stillage", version, disable_help_subcommand = true)]
pub struct Arguments {
    /// Where this device's data lies
    #[arg(long, global = true, value_name = "DIR", env = "STILLAGE_DATA")]
    pub data: Option<PathBuf>,
    /// Print one JSON document as the last line
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Set this device up
    Init {
        #[arg(long)]
        name: String,
    },
    /// Join a server, or follow it to a new address
    Connect {
        url: String,
        #[arg(long)]
        code: Option<String>,
    },
    /// Hand over what waits and fetch what is new
    Sync {
        /// Seconds
        #[arg(long, default_value_t = 60)]
        timeout: u64,
        /// Stay in step until interrupted, a line for every change
        #[arg(long)]
        watch: bool,
    },
    /// How this device stands
    Status,
    /// List items
    Items {
        #[arg(long)]
        search: Option<String>,
        #[arg(long, value_enum)]
        filter: Option<Filter>,
        #[arg(long, default_value_t = 100)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Show an item by SKU or barcode
    Item { sku: String },
    /// What lies where
    Stock {
        #[arg(long)]
        location: Option<String>,
        #[arg(long, default_value_t = 1000)]
        limit: u32,
        #[arg(long, default_value_t = 0)]
        offset: u32,
    },
    /// Goods came in
    Receive(Line),
    /// Goods went out
    Issue(Line),
    /// Goods went elsewhere
    Move(Line),
    /// Put the book right by a difference
    Adjust(Line),
    /// Say what is on the shelf
    Count(Line),
    /// Make or edit an item
    ItemSave(ItemFields),
    /// Make or edit a location
    LocationSave(LocationFields),
    /// Give an item a barcode
    BarcodeSave(BarcodeFields),
    /// Make or rename a category
    CategorySave(CategoryFields),
    /// Make or edit a reason code
    ReasonSave(ReasonFields),
    /// Put a record away
    Archive {
        #[arg(value_enum)]
        kind: Archived,
        /// SKU or code
        code: String,
        /// Bring it back, by its id
        #[arg(long)]
        restore: bool,
    },
    /// The movements of an item, newest first
    History {
        sku: String,
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// What waits for a person
    Inbox {
        /// Those answered already
        #[arg(long)]
        resolved: bool,
        #[command(subcommand)]
        verb: Option<InboxVerb>,
    },
    /// Bring in a CSV file of items, locations or opening stock
    Import {
        file: PathBuf,
        /// Only check
        #[arg(long)]
        dry_run: bool,
        #[arg(long, value_enum)]
        kind: Option<Kind>,
        /// Which field a column means, or nothing to leave it alone; several times
        #[arg(long, value_name = "COLUMN=FIELD", num_args = 1..)]
        map: Vec<String>,
    },
    /// Begin from a snapshot in a folder that `stillage-server snapshot` wrote
    Bootstrap {
        #[arg(long, value_name = "DIR")]
        from: PathBuf,
    },
    /// Write a CSV file that an import reads
    Export {
        #[arg(value_enum)]
        kind: Kind,
    },
    /// Everything the server has settled, line by line
    Dump {
        #[arg(long, required = true)]
        canonical: bool,
    },
    /// Run any command by name
    Call {
        name: String,
        /// Its arguments as JSON
        args: Option<String>,
    },
    /// Answer calls, one JSON line each, and stay in step meanwhile
    Rpc,
    #[command(hide = true)]
    Bindings,
    #[command(hide = true)]
    ClientSchema,
}

#[derive(Debug, Subcommand)]
pub enum InboxVerb {
    /// Answer a card
    Resolve {
        id: String,
        #[arg(long, value_enum)]
        keep: Option<Keep>,
        /// Keep this value instead, as JSON or plain text
        #[arg(long)]
        value: Option<String>,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Keep {
    Mine,
    Theirs,
    Value,
    Recount,
    Discard,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Filter {
    All,
    Low,
    Expiring,
    NeverCounted,
    Negative,
    Archived,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Kind {
    Items,
    Locations,
    Stock,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Archived {
    Item,
    Location,
    Barcode,
}

#[derive(Debug, Args)]
pub struct Line {
    /// SKU or barcode
    pub sku: String,
    /// 12, or 3 BOX + 7 EA; a serial is one when it is left out
    #[arg(allow_negative_numbers = true)]
    pub qty: Vec<String>,
    /// The code of a location
    #[arg(long)]
    pub location: String,
    #[arg(long)]
    pub to: Option<String>,
    #[arg(long)]
    pub lot: Option<String>,
    /// 2027-12-31
    #[arg(long)]
    pub expiry: Option<String>,
    #[arg(long)]
    pub serial: Option<String>,
    /// available, quarantine, damaged or hold
    #[arg(long)]
    pub status: Option<String>,
    #[arg(long)]
    pub to_status: Option<String>,
    /// The code of a reason
    #[arg(long)]
    pub reason: Option<String>,
    #[arg(long)]
    pub note: Option<String>,
    #[arg(long)]
    pub reference: Option<String>,
    /// Per base unit, 2.50EUR
    #[arg(long)]
    pub cost: Option<String>,
}

#[derive(Debug, Args)]
pub struct ItemFields {
    #[arg(long)]
    pub sku: String,
    /// The SKU it shall have from now on
    #[arg(long)]
    pub new_sku: Option<String>,
    #[arg(long)]
    pub name: Option<String>,
    #[arg(long)]
    pub description: Option<String>,
    #[arg(long)]
    pub unit: Option<String>,
    /// Decimal places, 0 to 6
    #[arg(long)]
    pub scale: Option<u32>,
    /// BOX=12; several times
    #[arg(long, value_name = "CODE=UNITS")]
    pub pack: Vec<String>,
    /// none, lot or serial
    #[arg(long)]
    pub tracking: Option<String>,
    /// The name of a category
    #[arg(long)]
    pub category: Option<String>,
    #[arg(long)]
    pub min: Option<String>,
    #[arg(long)]
    pub reorder_point: Option<String>,
    #[arg(long)]
    pub alias: Vec<String>,
}

#[derive(Debug, Args)]
pub struct LocationFields {
    #[arg(long)]
    pub code: String,
    #[arg(long)]
    pub new_code: Option<String>,
    #[arg(long)]
    pub name: Option<String>,
    /// The code of the location it stands under; without one it is a site
    #[arg(long)]
    pub parent: Option<String>,
    #[arg(long)]
    pub role: Option<String>,
    /// allow, warn or block
    #[arg(long)]
    pub negative: Option<String>,
}

#[derive(Debug, Args)]
pub struct BarcodeFields {
    #[arg(long)]
    pub code: String,
    #[arg(long)]
    pub sku: String,
    #[arg(long)]
    pub unit: Option<String>,
    #[arg(long)]
    pub units_per_scan: Option<String>,
}

#[derive(Debug, Args)]
pub struct CategoryFields {
    #[arg(long)]
    pub name: String,
    #[arg(long)]
    pub new_name: Option<String>,
    /// The name of the category it stands under
    #[arg(long)]
    pub parent: Option<String>,
}

#[derive(Debug, Args)]
pub struct ReasonFields {
    #[arg(long)]
    pub code: String,
    #[arg(long)]
    pub name: Option<String>,
    /// in, out or both
    #[arg(long)]
    pub direction: Option<String>,
    #[arg(long)]
    pub note_required: Option<bool>,
}
