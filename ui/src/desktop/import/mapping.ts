// Which column of a file means what: the fields each kind of file can have, what a person chose for
// them, and what the engine told of the file's headings.
import type { Failure, ImportKind, ImportReport } from "../../backend/bindings";

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

/** Heading by field; a field without one goes by what the engine recognises. */
export type Chosen = Record<string, string>;
/** The headings the engine named: those it recognised, or the whole line after it refused the file. */
export type Found = { headings: string[]; whole: boolean; kind: ImportKind | null };
export const nothingFound: Found = { headings: [], whole: false, kind: null };

const folded = (heading: string) => heading.toLowerCase().replace(/[^\p{L}\p{N}]/gu, "");

/** What the engine takes: the field by its heading. */
export function mapOf(kind: ImportKind | null, chosen: Chosen): Record<string, string> {
  const fields = kind ? fieldsOf[kind] : [];
  return Object.fromEntries(
    fields.map((field) => [chosen[field]?.trim() ?? "", field]).filter(([heading]) => heading !== ""),
  );
}

/** A heading that was chosen for two fields: it can only mean one. */
export function chosenTwice(kind: ImportKind | null, chosen: Chosen): string | null {
  const headings = (kind ? fieldsOf[kind] : []).map((field) => chosen[field]?.trim() ?? "").filter(Boolean);
  return headings.find((one, n) => headings.findIndex((other) => folded(other) === folded(one)) < n) ?? null;
}

export function foundIn(report: ImportReport, before: Found): Found {
  return { ...(before.whole ? before : { headings: report.columns, whole: false }), kind: report.kind };
}

const texts = (value: unknown): string[] | null =>
  Array.isArray(value) && value.every((one) => typeof one === "string") ? value : null;

/** What a refusal tells of the file: its headings, and its kind by the fields it could have. */
export function foundInFailure(failure: Failure, before: Found): Found | null {
  const headings = texts(failure.details.columns);
  if (failure.code !== "BAD_INPUT" || !headings) return null;
  const fields = texts(failure.details.fields)?.join();
  const kind = kinds.find((one) => fieldsOf[one].join() === fields) ?? before.kind;
  return { headings, whole: true, kind };
}

/** The first heading a person typed that the file does not have. */
export function notInFile(map: Record<string, string>, found: Found): string | null {
  const there = new Set(found.headings.map(folded));
  return Object.keys(map).find((heading) => !there.has(folded(heading))) ?? null;
}
