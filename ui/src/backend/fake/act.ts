// What the in-memory engine does when something is recorded. It refuses with the real codes.

import { millionths, plain } from "../../kit/decimal";
import { readEntered } from "../../kit/entered";
import type { Commands, Failure, MovementKind, MovementRow, Recorded, StockEntry } from "../bindings";
import { historyOf, onHand } from "./look";
import { type Cell, type Item, mint, type World } from "./world";

export function refuse(code: string, details: Record<string, unknown> = {}, message = code): never {
  throw { code, message, next: "", details } satisfies Failure;
}

export function itemOf(world: World, id: string): Item {
  return world.byId.get(id) ?? refuse("NOT_FOUND", { subject: id });
}

function recorded(world: World, item: Item | null, location?: string): Recorded {
  const change_id = mint(world, "chg");
  world.waiting.push(new Date().toISOString());
  if (item) item.pending = true;
  if (world.server && !world.cut) queueMicrotask(() => settle(world));
  const there = item?.cells.filter((cell) => cell.location === location) ?? [];
  const on_hand = item && location ? plain(there.reduce((sum, cell) => sum + cell.qty, 0n)) : null;
  return { change_id, state: "waiting", on_hand };
}

/** What a sync would do: the outbox empties and nothing is pending any more. */
export function settle(world: World): void {
  world.waiting = [];
  world.lastSync = new Date().toISOString();
  for (const item of world.items) item.pending = false;
  for (const rows of world.history.values()) for (const row of rows) row.state = "settled";
  world.emit(["status", "stock", "items"]);
}

function amountOf(item: Item, entry: StockEntry): bigint {
  const read = readEntered(entry.qty, item.unit, item.packs, { decimal: ".", group: "" });
  if (!read) return refuse("BAD_QUANTITY", { text: entry.qty });
  if (read.total === null) return refuse("UNKNOWN_UNIT", { text: entry.qty });
  return millionths(read.total) ?? 0n;
}

type Spot = { location: string; lot: Cell["lot"]; status: Cell["status"] };

function cellAt(item: Item, spot: Spot): Cell {
  const found = item.cells.find(
    (c) => c.location === spot.location && c.status === spot.status && (c.lot?.code ?? "") === (spot.lot?.code ?? ""),
  );
  if (found) return found;
  const made: Cell = { ...spot, qty: 0n, counted: null };
  item.cells.push(made);
  return made;
}

function lotOf(item: Item, entry: StockEntry): Cell["lot"] {
  const code = item.tracking === "serial" ? entry.serial : entry.lot;
  if (item.tracking === "none") return code ? refuse("LOT_NOT_KEPT", { item: item.id }) : null;
  if (!code) return refuse(item.tracking === "lot" ? "LOT_REQUIRED" : "SERIAL_REQUIRED", { item: item.id });
  const known = item.cells.find((c) => c.lot?.code === code)?.lot;
  return (
    known ?? { id: `lot_${item.id}_${code}`, code, expiry: entry.expiry ?? null, serial: item.tracking === "serial" }
  );
}

const VIRTUAL: Record<string, string> = {
  receive: "SUPPLIER",
  issue: "CUSTOMER",
  adjust: "ADJUSTMENT",
  count_variance: "COUNT",
};

function write(
  world: World,
  item: Item,
  kind: MovementKind,
  move: { from: Cell | null; to: Cell | null; qty: bigint; entry: StockEntry },
): void {
  const end = (cell: Cell | null) =>
    cell
      ? {
          id: cell.location,
          code: world.locations.find((l) => l.id === cell.location)?.code ?? "",
          virtual: false,
          status: cell.status,
        }
      : { id: "location_virtual", code: VIRTUAL[kind] ?? "", virtual: true, status: "available" as const };
  if (move.from) move.from.qty -= move.qty;
  if (move.to) move.to.qty += move.qty;
  const row: MovementRow = {
    id: nextMovement(world),
    kind,
    item: { id: item.id, sku: item.sku, name: item.name, unit: item.unit, scale: item.scale },
    from: end(move.from),
    to: end(move.to),
    lot: (move.to ?? move.from)?.lot ?? null,
    qty: plain(move.qty),
    entered: move.entry.qty,
    reason: world.reasons.find((r) => r.id === move.entry.reason) ?? null,
    note: move.entry.note ?? null,
    reference: move.entry.reference ?? null,
    person: null,
    at: new Date().toISOString(),
    state: "waiting",
    reversed: false,
  };
  historyOf(world, item).unshift(row);
}

/** As in the engine: the movement a change makes has the change's own number. */
const nextMovement = (world: World) => `mov_${(world.minted + 1).toString(16).padStart(32, "0")}`;

export function record(
  world: World,
  verb: "receive" | "issue" | "move" | "adjust" | "count",
  entry: StockEntry,
): Recorded {
  const item = itemOf(world, entry.item);
  if (item.archived) refuse("ARCHIVED", { subject: item.id });
  const qty = amountOf(item, entry);
  if (verb !== "adjust" && (verb === "count" ? qty < 0n : qty <= 0n)) refuse("QUANTITY_OUT_OF_RANGE");
  if (world.locations.find((l) => l.id === entry.location)?.role !== "storage")
    refuse("LOCATION_NOT_STORABLE", { location: entry.location });
  if (entry.cost && (verb !== "receive" || !/^\d+ [A-Z]{3}$/.test(`${entry.cost.minor} ${entry.cost.currency}`)))
    refuse("BAD_INPUT", {}, "Only a receipt has a `cost`, of whole minor units and three capital letters.");
  if (verb === "adjust" && !entry.reason) refuse("REASON_REQUIRED");
  if (!entry.note && world.reasons.find((r) => r.id === entry.reason)?.note_required) refuse("NOTE_REQUIRED");
  historyOf(world, item);
  const lot = lotOf(item, entry);
  const here = cellAt(item, { location: entry.location, lot, status: entry.status ?? "available" });
  if (verb === "receive") write(world, item, "receive", { from: null, to: here, qty, entry });
  if (verb === "issue") write(world, item, "issue", { from: here, to: null, qty, entry });
  if (verb === "adjust")
    write(
      world,
      item,
      "adjust",
      qty < 0n ? { from: here, to: null, qty: -qty, entry } : { from: null, to: here, qty, entry },
    );
  if (verb === "move") {
    const there = cellAt(item, { location: entry.to ?? "", lot, status: entry.to_status ?? here.status });
    if (there === here) refuse("SAME_CELL");
    write(world, item, "transfer", { from: here, to: there, qty, entry });
  }
  if (verb === "count") {
    const difference = qty - here.qty;
    here.counted = new Date().toISOString();
    if (difference !== 0n)
      write(
        world,
        item,
        "count_variance",
        difference > 0n
          ? { from: null, to: here, qty: difference, entry }
          : { from: here, to: null, qty: -difference, entry },
      );
  }
  const answer = recorded(world, item, entry.location);
  world.emit(["stock", "items", "locations", "status"]);
  return answer;
}

export function reverse(world: World, id: string): Recorded {
  for (const [itemId, rows] of world.history) {
    const row = rows.find((r) => r.id === id);
    if (!row) continue;
    if (row.kind === "count_variance" || row.kind === "reversal") refuse("NOT_REVERSIBLE", { movement: id });
    if (row.reversed) refuse("ALREADY_REVERSED", { movement: id });
    const item = itemOf(world, itemId);
    const cell = (end: MovementRow["from"]) =>
      end.virtual ? null : cellAt(item, { location: end.id, lot: row.lot, status: end.status });
    const entry: StockEntry = { item: itemId, location: "", qty: row.qty };
    write(world, item, "reversal", { from: cell(row.to), to: cell(row.from), qty: millionths(row.qty) ?? 0n, entry });
    row.reversed = true;
    const answer = recorded(world, item);
    world.emit(["stock", "items", "locations", "status"]);
    return answer;
  }
  return refuse("MOVEMENT_NOT_FOUND", { movement: id });
}

export function saveItem(world: World, { id, fields }: Commands["items.save"][0]): Recorded & { id: string } {
  const sku = typeof fields.sku === "string" ? fields.sku.trim() : undefined;
  if (sku === "" || (!id && sku === undefined)) refuse("FIELD", { kind: "item", field: "sku", problem: "missing" });
  const holder = world.items.find((i) => i.id !== id && sku !== undefined && i.sku.toLowerCase() === sku.toLowerCase());
  if (holder) refuse("KEY_TAKEN", { kind: "item", key: sku, holder: holder.id });
  for (const field of ["min", "reorder_point"])
    if (typeof fields[field] === "string" && millionths(fields[field]) === null)
      refuse("FIELD", { kind: "item", field, problem: "not_a_quantity" });
  const item = id ? itemOf(world, id) : blank(mint(world, "item"));
  Object.assign(item, fields, typeof fields.base_unit === "string" ? { unit: fields.base_unit } : {});
  if (!id) {
    world.items.push(item);
    world.byId.set(item.id, item);
  }
  const answer = recorded(world, item);
  world.emit(["items", "status"]);
  return { ...answer, id: item.id };
}

function blank(id: string): Item {
  return {
    id,
    version: 0,
    sku: "",
    name: "",
    description: "",
    unit: "EA",
    scale: 0,
    packs: [],
    tracking: "none",
    min: null,
    reorder_point: null,
    aliases: [],
    barcodes: [],
    cells: [],
    pending: true,
    archived: false,
  };
}

export function archiveItem(world: World, id: string, archived: boolean): Recorded {
  const item = itemOf(world, id);
  if (archived && onHand(item) !== 0n) refuse("NOT_EMPTY", { subject: id });
  item.archived = archived;
  const answer = recorded(world, item);
  world.emit(["items", "status"]);
  return answer;
}

export function recordOther(world: World, tags: Parameters<World["emit"]>[0]): Recorded {
  const answer = recorded(world, null);
  world.emit([...tags, "status"]);
  return answer;
}
