// What is being entered, as typed. A null location or lot means "not touched": then the one place or
// lot the item is in is taken, if there is only one.
import type { ItemCard, LocationRow, ReasonRow, StockEntry, StockStatus } from "../../backend/bindings";
import { type Entered, readEntered } from "../../kit/entered";
import { isGtin } from "../../kit/gtin";
import type { EntryKind } from "../desk";
import type { Key, Words } from "../words/words";
import { costFault, readCost } from "./cost";

export type Draft = {
  location: string | null;
  to: string;
  qty: string;
  lot: string | null;
  expiry: string;
  serial: string;
  status: StockStatus;
  toStatus: StockStatus | "";
  reason: string;
  note: string;
  reference: string;
  cost: string;
  /** Null is the currency used last. */
  currency: string | null;
};

export const blank: Draft = {
  location: null,
  to: "",
  qty: "",
  lot: null,
  expiry: "",
  serial: "",
  status: "available",
  toStatus: "",
  reason: "",
  note: "",
  reference: "",
  cost: "",
  currency: null,
};

export type FieldName = "item" | "location" | "to" | "qty" | "lot" | "serial" | "reason" | "cost" | "currency";
export type Missing = { field: FieldName; text: string };
export type Stage = { kind: EntryKind; card: ItemCard | null; places: LocationRow[]; draft: Draft; words: Words };

export function shownLocation({ card, draft }: Pick<Stage, "card" | "draft">): string {
  if (draft.location !== null) return draft.location;
  const codes = new Set(card?.cells.map((cell) => cell.location.code));
  return codes.size === 1 ? ([...codes][0] ?? "") : "";
}

export function shownLot({ kind, card, draft }: Pick<Stage, "kind" | "card" | "draft">): string {
  if (draft.lot !== null || kind === "receive" || card?.tracking !== "lot") return draft.lot ?? "";
  const here = shownLocation({ card, draft }).toUpperCase();
  const lots = new Set(card.cells.filter((c) => c.location.code.toUpperCase() === here).map((c) => c.lot?.code));
  return lots.size === 1 ? ([...lots][0] ?? "") : "";
}

/** The place a typed code means: the code itself, or the only one that begins with it. */
export function placeOf(places: LocationRow[], typed: string): LocationRow | null {
  const wanted = typed.trim().toUpperCase();
  if (!wanted) return null;
  const exact = places.find((place) => place.code.toUpperCase() === wanted);
  if (exact) return exact;
  const starting = places.filter((place) => place.code.toUpperCase().startsWith(wanted));
  return starting.length === 1 ? (starting[0] ?? null) : null;
}

const several = (places: LocationRow[], typed: string) =>
  places.some((place) => place.code.toUpperCase().startsWith(typed.trim().toUpperCase()));

export function readQty({ card, draft, words }: Pick<Stage, "card" | "draft" | "words">): Entered | null {
  return card && draft.qty.trim() ? readEntered(draft.qty, card.unit, card.packs, words.marks) : null;
}

/** A barcode that was scanned or typed where the quantity goes; with grouping marks it is meant as one. */
export function barcodeFault({ draft, words }: Pick<Stage, "draft" | "words">): string | null {
  const typed = draft.qty.trim();
  return isGtin(typed) ? words.t("entry.bad.barcode", { example: words.number(typed.replace(/^0+/, "")) }) : null;
}

export function example({ card, words }: Pick<Stage, "card" | "words">): string {
  const pack = card?.packs[0];
  if (pack && card) return `3 ${pack.code} + 7 ${card.unit}`;
  return words.number(card && card.scale > 0 ? "12.5" : "12");
}

/** On hand of the cell the draft points at, in base units. */
export function hereNow(stage: Stage): string | null {
  const place = placeOf(stage.places, shownLocation(stage));
  if (!stage.card || !place) return null;
  const lot = stage.card.tracking === "serial" ? stage.draft.serial : shownLot(stage);
  if (stage.card.tracking !== "none" && !lot) return null;
  const cell = stage.card.cells.find(
    (c) =>
      c.location.id === place.id &&
      c.status === stage.draft.status &&
      (c.lot?.code ?? "").toUpperCase() === lot.toUpperCase(),
  );
  return cell?.on_hand ?? "0";
}

/** The reasons that fit what is being done. */
export function fitting(kind: EntryKind, reasons: ReasonRow[], negative: boolean): ReasonRow[] {
  const direction =
    kind === "receive" ? "in" : kind === "issue" ? "out" : kind === "adjust" ? (negative ? "out" : "in") : null;
  return direction === null ? reasons : reasons.filter((r) => r.direction === "both" || r.direction === direction);
}

/** The first thing still missing or wrong, in the order of the fields on screen. */
export function missing(stage: Stage): Missing | null {
  const { kind, card, places, draft, words } = stage;
  const lack = (field: FieldName, key: Key, holes = {}): Missing => ({ field, text: words.t(key, holes) });
  if (!card) return lack("item", "entry.missing.item");
  for (const [field, typed] of kind === "move"
    ? ([
        ["location", shownLocation(stage)],
        ["to", draft.to],
      ] as const)
    : ([["location", shownLocation(stage)]] as const)) {
    if (!typed.trim()) return lack(field, "entry.missing.location_empty");
    if (!placeOf(places, typed))
      return lack(field, several(places, typed) ? "entry.missing.location_many" : "entry.missing.location", {
        code: typed,
      });
  }
  if (card.tracking === "lot" && !shownLot(stage).trim()) return lack("lot", "entry.missing.lot");
  if (card.tracking === "serial" && !draft.serial.trim()) return lack("serial", "entry.missing.serial");
  if (!draft.qty.trim()) return lack("qty", "entry.missing.qty");
  const code = barcodeFault(stage);
  if (code) return { field: "qty", text: code };
  if (!readQty(stage)) return lack("qty", "entry.bad.qty", { text: draft.qty.trim(), example: example(stage) });
  if (kind === "adjust" && !draft.reason) return lack("reason", "entry.missing.reason");
  return kind === "receive" ? costFault(stage) : null;
}

/** The draft as the engine takes it; only called when nothing is missing. */
export function entryOf(stage: Stage): StockEntry | null {
  const { kind, card, places, draft } = stage;
  const place = placeOf(places, shownLocation(stage));
  const qty = readQty(stage);
  if (!card || !place || !qty) return null;
  return {
    item: card.id,
    location: place.id,
    qty: qty.plain,
    status: draft.status,
    to: kind === "move" ? (placeOf(places, draft.to)?.id ?? null) : null,
    to_status: kind === "move" ? draft.toStatus || null : null,
    lot: card.tracking === "lot" ? shownLot(stage).trim() : null,
    expiry: card.tracking === "lot" && draft.expiry.trim() ? draft.expiry.trim() : null,
    serial: card.tracking === "serial" ? draft.serial.trim() : null,
    reason: draft.reason || null,
    note: draft.note.trim() || null,
    reference: draft.reference.trim() || null,
    cost: kind === "receive" ? readCost(stage) : null,
  };
}
