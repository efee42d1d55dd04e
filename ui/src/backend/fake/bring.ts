// What the in-memory engine says of a file. Every path that ends in .csv is the same list of items,
// and `foreign.csv` is one whose headings mean nothing to it.
import type { Commands, ImportKind, ImportReport } from "../bindings";
import { refuse } from "./act";

const FOREIGN = ["Nr", "Bez", "Stk", "Extra"];
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

export function bring({ path, kind, map }: Commands["import.run"][0], recorded: number): ImportReport {
  if (!path.endsWith(".csv")) refuse("FILE_NOT_FOUND", { path });
  const foreign = path.endsWith("foreign.csv");
  const heading = foreign ? FOREIGN : ["sku", "name", "barcode", "qty"];
  const wrong = Object.keys(map ?? {}).find((column) => !heading.includes(column));
  if (wrong) refuse("BAD_INPUT", { columns: heading }, `The file has no column "${wrong}".`);
  if (foreign && !Object.values(map ?? {}).includes("sku")) {
    if (kind) refuse("BAD_INPUT", { columns: heading, fields: fields[kind] }, "The file needs more columns.");
    refuse("BAD_INPUT", { columns: heading, ...fields }, "No column of this file is known.");
  }
  return {
    kind: kind ?? "items",
    rows: 1250,
    good: 1247,
    recorded,
    delimiter: ";",
    encoding: "windows-1252",
    decimal: ",",
    bad: BAD,
    columns: foreign ? heading.filter((column) => map?.[column]) : heading,
  };
}
