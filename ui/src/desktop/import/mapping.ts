// Which column of a file means what: the fields each kind of file can have, what a person chose for
// them, and what the engine told of the file's headings.
import type { Failure, ImportKind } from "../../backend/bindings";

export const kinds: ImportKind[] = ["items", "locations", "stock"];

/** As in the engine (client/src/import/columns.rs). */
export const fieldsOf: Record<ImportKind, string[]> = {
  items: [
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
  ],
  locations: ["code", "name", "parent", "path", "role", "negative"],
  stock: [
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
  ],
};

/** Heading by field. */
export type Chosen = Record<string, string>;
/** What the engine told of a file: its headings, and what it is. */
export type Found = { headings: string[]; kind: ImportKind | null };
export const nothingFound: Found = { headings: [], kind: null };

const folded = (heading: string) => heading.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** What the engine takes: the field by its heading. */
export function mapOf(kind: ImportKind | null, chosen: Chosen): Record<string, string> {
  const fields = kind ? fieldsOf[kind] : [];
  return Object.fromEntries(
    fields.map((field) => [chosen[field]?.trim() ?? "", field]).filter(([heading]) => heading !== ""),
  );
}

/** The same where the person saw what every column was taken for: what was not chosen is left alone. */
export function wholeMapOf(kind: ImportKind | null, chosen: Chosen, found: Found): Record<string, string> {
  const left = notTaken(found.headings, mapOf(kind, chosen));
  return { ...Object.fromEntries(left.map((heading) => [heading, ""])), ...mapOf(kind, chosen) };
}

/** Headings of the file that no field has. */
export function notTaken(headings: string[], map: Record<string, string>): string[] {
  const taken = new Set(Object.keys(map).map(folded));
  return headings.filter((heading) => heading.trim() !== "" && !taken.has(folded(heading)));
}

/** A heading that was chosen for two fields: it can only mean one. */
export function chosenTwice(kind: ImportKind | null, chosen: Chosen): string | null {
  const headings = (kind ? fieldsOf[kind] : []).map((field) => chosen[field]?.trim() ?? "").filter(Boolean);
  return headings.find((one, n) => headings.findIndex((other) => folded(other) === folded(one)) < n) ?? null;
}

/** What the engine's refusals of a file's columns carry. */
type Told = { headings: string[]; kind?: ImportKind; places?: Chosen };
const aboutColumns = ["FILE_KIND_UNKNOWN", "COLUMN_NOT_FOUND", "COLUMNS_MISSING"];

/** What a refusal tells of the file's columns; null for every other refusal. */
export function toldBy(failure: Failure): Told | null {
  return aboutColumns.includes(failure.code) ? (failure.details as Told) : null;
}
