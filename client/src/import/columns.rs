//! Which column means what. Headings are compared without case, spaces and signs, in English and
//! German; `--map` has the last word.

use super::ImportKind;
use crate::{Code, Failure};
use serde_json::json;
use std::collections::BTreeMap;

/// What a column can mean, with the headings it is known by.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "sku",
        &[
            "item",
            "itemno",
            "itemnumber",
            "article",
            "articlenumber",
            "partnumber",
            "partno",
            "artikel",
            "artikelnummer",
            "artikelnr",
            "artnr",
            "artno",
            "productcode",
            "stockcode",
            "teilenummer",
            "materialnummer",
        ],
    ),
    (
        "name",
        &[
            "description1",
            "itemname",
            "title",
            "productname",
            "bezeichnung",
            "artikelbezeichnung",
            "benennung",
            "kurztext",
        ],
    ),
    ("description", &["details", "longtext", "beschreibung", "langtext"]),
    ("base_unit", &["unit", "uom", "unitofmeasure", "einheit", "basiseinheit", "mengeneinheit", "me"]),
    ("display_scale", &["scale", "decimals", "decimalplaces", "nachkommastellen"]),
    ("packs", &["pack", "packaging", "packungen", "gebinde", "verpackung"]),
    ("tracking", &["trackedby", "verfolgung", "chargenpflicht"]),
    ("category", &["group", "itemgroup", "kategorie", "warengruppe", "artikelgruppe"]),
    ("min", &["minimum", "minstock", "minimumstock", "mindestbestand", "minbestand"]),
    ("reorder_point", &["reorder", "reorderlevel", "meldebestand", "bestellpunkt"]),
    ("aliases", &["alias", "othernames", "oldsku", "aliasse", "altenummer", "altenummern"]),
    ("barcode", &["barcodes", "ean", "gtin", "upc", "eancode", "strichcode", "strichcodes"]),
    ("code", &["locationcode", "bin", "bincode", "lagerplatzcode", "platzcode", "platznummer"]),
    ("parent", &["parentcode", "parentlocation", "uebergeordnet", "übergeordnet"]),
    ("path", &["locationpath", "tree", "pfad"]),
    ("role", &["locationtype", "rolle"]),
    ("negative", &["negativestock", "negativerbestand"]),
    ("location", &["place", "stocklocation", "lagerplatz", "lagerort", "platz", "lager", "ort"]),
    (
        "qty",
        &["quantity", "amount", "onhand", "stock", "count", "menge", "bestand", "anzahl", "stückzahl", "stueckzahl"],
    ),
    ("lot", &["batch", "lotnumber", "batchnumber", "charge", "los", "chargennummer"]),
    ("serial", &["serialnumber", "serialno", "seriennummer", "sn"]),
    (
        "expiry",
        &["expirydate", "expires", "bestbefore", "mhd", "haltbarkeit", "haltbarbis", "verfall", "verfallsdatum"],
    ),
    ("status", &["stockstatus", "bestandsstatus"]),
    ("cost", &["unitcost", "price", "unitprice", "einstandspreis", "kosten", "preis", "ekpreis"]),
    ("currency", &["waehrung", "währung"]),
    ("note", &["comment", "remark", "remarks", "notiz", "bemerkung", "kommentar"]),
    ("reference", &["document", "ref", "beleg", "referenz"]),
];

const ITEMS: &[&str] = &[
    "sku",
    "name",
    "description",
    "base_unit",
    "display_scale",
    "packs",
    "tracking",
    "category",
    "min",
    "reorder_point",
    "aliases",
    "barcode",
];
const LOCATIONS: &[&str] = &["code", "name", "parent", "path", "role", "negative"];
const STOCK: &[&str] = &[
    "sku",
    "barcode",
    "location",
    "qty",
    "base_unit",
    "lot",
    "serial",
    "expiry",
    "status",
    "cost",
    "currency",
    "note",
    "reference",
];

impl ImportKind {
    pub const fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Items => ITEMS,
            Self::Locations => LOCATIONS,
            Self::Stock => STOCK,
        }
    }
}

/// The kind of a file and where its fields stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    pub kind: ImportKind,
    /// Place of each field in a row.
    pub places: BTreeMap<&'static str, usize>,
}

impl Columns {
    pub fn place(&self, field: &str) -> Option<usize> {
        self.places.get(field).copied()
    }

    pub fn has(&self, field: &str) -> bool {
        self.places.contains_key(field)
    }

    /// The heading that stands for each field.
    pub fn taken(&self, heading: &[String]) -> BTreeMap<&'static str, String> {
        self.places.iter().filter_map(|(field, &place)| Some((*field, heading.get(place)?.clone()))).collect()
    }
}

pub fn find(heading: &[String], kind: Option<ImportKind>, map: &BTreeMap<String, String>) -> Result<Columns, Failure> {
    let meanings = meanings(heading, map)?;
    let means = |field: &str| meanings.iter().any(|(_, meaning)| *meaning == field);
    let kind = match kind {
        Some(kind) => kind,
        None if means("qty") && (means("sku") || means("barcode")) => ImportKind::Stock,
        None if means("sku") => ImportKind::Items,
        None if means("code") || means("location") || means("path") => ImportKind::Locations,
        None => return Err(unknown(heading)),
    };
    let mut places = BTreeMap::new();
    for (place, meaning) in meanings {
        // One heading can mean the bin itself or the bin something lies in.
        let meaning = match (kind, meaning) {
            (ImportKind::Locations, "location") => "code",
            (ImportKind::Stock, "code") => "location",
            (_, meaning) => meaning,
        };
        if kind.fields().contains(&meaning) {
            places.entry(meaning).or_insert(place);
        }
    }
    let columns = Columns { kind, places };
    let complete = match kind {
        ImportKind::Items => columns.has("sku"),
        ImportKind::Locations => columns.has("code") || columns.has("path"),
        ImportKind::Stock => {
            (columns.has("sku") || columns.has("barcode"))
                && columns.has("location")
                && (columns.has("qty") || columns.has("serial"))
        }
    };
    if complete { Ok(columns) } else { Err(incomplete(&columns, heading)) }
}

/// What each column means, those of the map first.
fn meanings(heading: &[String], map: &BTreeMap<String, String>) -> Result<Vec<(usize, &'static str)>, Failure> {
    let mut mapped = Vec::new();
    let mut taken = Vec::new();
    for (column, field) in map {
        let place =
            heading.iter().position(|name| folded(name) == folded(column)).ok_or_else(|| not_found(column, heading))?;
        taken.push(place);
        if field.trim().is_empty() {
            continue;
        }
        let names = KNOWN.iter().map(|(name, _)| *name);
        let field = names.clone().find(|name| folded(name) == folded(field)).ok_or_else(|| {
            Failure::bad_input(format!("A column cannot mean {field:?}."))
                .with(json!({ "fields": names.collect::<Vec<_>>() }))
        })?;
        mapped.push((place, field));
    }
    for (place, name) in heading.iter().enumerate().filter(|(place, _)| !taken.contains(place)) {
        mapped.extend(meaning(name).map(|field| (place, field)));
    }
    Ok(mapped)
}

fn meaning(name: &str) -> Option<&'static str> {
    let name = folded(name);
    let direct = KNOWN.iter().find(|(field, _)| folded(field) == name);
    direct.or_else(|| KNOWN.iter().find(|(_, others)| others.contains(&name.as_str()))).map(|(field, _)| *field)
}

fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn not_found(column: &str, heading: &[String]) -> Failure {
    let message = format!("The file has no column {column:?}.");
    Failure::new(Code::ColumnNotFound, message, "Name a column as it stands in the first line of the file.")
        .with(json!({ "column": column, "headings": heading }))
}

fn unknown(heading: &[String]) -> Failure {
    let message = "No column of this file is known: it is neither items, locations nor stock.";
    Failure::new(Code::FileKindUnknown, message, "Say what it is with --kind, and name the columns with --map.")
        .with(json!({ "headings": heading }))
}

fn incomplete(columns: &Columns, heading: &[String]) -> Failure {
    let needed = match columns.kind {
        ImportKind::Items => "a column `sku`",
        ImportKind::Locations => "a column `code` or `path`",
        ImportKind::Stock => "columns `sku` (or `barcode`), `location` and `qty` (or `serial`)",
    };
    Failure::new(Code::ColumnsMissing, format!("The file needs {needed}."), "Name the columns with --map COLUMN=FIELD.")
        .with(json!({ "kind": columns.kind, "headings": heading, "places": columns.taken(heading) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str], map: &[(&str, &str)]) -> Result<Columns, Failure> {
        let heading: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let map = map.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
        find(&heading, None, &map)
    }

    #[test]
    fn german_headings_are_known() {
        let found = columns(&["Artikel-Nr.", "Lagerplatz", "Menge", "MHD"], &[]).unwrap();
        assert_eq!(found.kind, ImportKind::Stock);
        let places: Vec<_> = found.places.into_iter().collect();
        assert_eq!(places, [("expiry", 3), ("location", 1), ("qty", 2), ("sku", 0)]);
    }

    #[test]
    fn a_map_has_the_last_word() {
        let found = columns(&["Foo", "Name"], &[("foo", "sku"), ("NAME", "description")]).unwrap();
        assert_eq!((found.place("sku"), found.place("description"), found.place("name")), (Some(0), Some(1), None));
    }

    #[test]
    fn a_column_that_is_mapped_to_nothing_is_left_alone() {
        let found = columns(&["Artikel", "Name", "Menge"], &[("menge", ""), ("Name", " ")]).unwrap();
        assert_eq!((found.kind, found.place("name")), (ImportKind::Items, None));
    }

    #[test]
    fn each_refusal_has_a_code_of_its_own_and_tells_the_headings() {
        let refused = |names: &[&str], map: &[(&str, &str)]| {
            let failure = columns(names, map).unwrap_err();
            assert_eq!(failure.details["headings"], json!(names));
            failure
        };
        assert_eq!(refused(&["x", "y"], &[]).code, Code::FileKindUnknown);
        let absent = refused(&["sku"], &[("nothing", "sku")]);
        assert_eq!((absent.code, &absent.details["column"]), (Code::ColumnNotFound, &json!("nothing")));
        let missing = refused(&["Artikel", "Menge"], &[]);
        assert_eq!((missing.code, &missing.details["kind"]), (Code::ColumnsMissing, &json!("stock")));
        assert_eq!(missing.details["places"], json!({ "sku": "Artikel", "qty": "Menge" }));
        assert_eq!(columns(&["sku"], &[("sku", "nonsense")]).unwrap_err().code, Code::BadInput);
    }
}
