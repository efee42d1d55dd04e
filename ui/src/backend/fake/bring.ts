// What the in-memory engine says of a file. Every path that ends in .csv is the same list of items,
// `foreign.csv` is one whose headings mean nothing to it, and `partly.csv` has one it does not know.
import type { Commands, ImportKind, ImportReport } from "../bindings";
import { refuse } from "./act";

const headingsOf: Record<string, string[]> = {
  "foreign.csv": ["Nr", "Bez", "Stk", "Extra"],
  "partly.csv": ["sku", "Bezeichnung", "name"],
};
const fields: Record<ImportKind, string[]> = {
  items: ["sku", "name", "barcode"],
  locations: ["code", "name"],
  stock: ["sku", "location", "qty"],
};

const BAD = [
  {
    row: 14,
    column: "barcode",
    value: "8,02E+12",
    code: "MANGLED_BARCODE",
    reason: "A spreadsheet shortened this barcode; format the column as text",
  },
  { row: 220, column: "qty", value: "zwölf", code: "NOT_A_QUANTITY", reason: "Not a number" },
  { row: 221, column: "sku", value: "", code: "MISSING", reason: "Every item needs a SKU" },
];

export function bring({ path, kind, map = {} }: Commands["import.run"][0], recorded: number): ImportReport {
  if (!path.endsWith(".csv")) refuse("FILE_NOT_FOUND", { path });
  const headings = headingsOf[path.split("/").at(-1) ?? ""] ?? ["sku", "name", "barcode"];
  const column = Object.keys(map).find((heading) => !headings.includes(heading));
  if (column) refuse("COLUMN_NOT_FOUND", { column, headings });
  const places: Record<string, string> = {};
  for (const heading of headings) {
    const field = map[heading] ?? (fields[kind ?? "items"].includes(heading) ? heading : "");
    if (field) places[field] ??= heading;
  }
  if (!places.sku && !kind) refuse("FILE_KIND_UNKNOWN", { headings });
  if (!places.sku) refuse("COLUMNS_MISSING", { kind, headings, places });
  return {
    kind: kind ?? "items",
    rows: 1250,
    good: 1247,
    recorded,
    delimiter: ";",
    encoding: "windows-1252",
    decimal: ",",
    bad: BAD,
    headings,
    places,
  };
}
