// What the in-memory engine answers to questions.

import { plain } from "../../kit/decimal";
import { isGtin } from "../../kit/gtin";
import type { Backend } from "../backend";
import type {
  CellRow,
  Commands,
  ItemCard,
  ItemFilter,
  ItemRow,
  LocationRow,
  MovementRow,
  ScanHit,
  Status,
} from "../bindings";
import { ago } from "./ago";
import { type Cell, type Item, mint, type World } from "./world";

export type Call = Backend["call"];

export const onHand = (item: Item) => item.cells.reduce((sum, cell) => sum + cell.qty, 0n);
const available = (item: Item) =>
  item.cells.reduce((sum, cell) => (cell.status === "available" ? sum + cell.qty : sum), 0n);

export function itemRow(item: Item): ItemRow {
  const { id, sku, name, unit, scale, min, pending, archived } = item;
  const bins = new Set(item.cells.filter((cell) => cell.qty !== 0n).map((cell) => cell.location)).size;
  return {
    id,
    sku,
    name,
    unit,
    scale,
    min,
    pending,
    archived,
    bins,
    on_hand: plain(onHand(item)),
    available: plain(available(item)),
  };
}

const micro = (text: string | null) => (text === null ? 0n : BigInt(Math.round(Number(text) * 1e6)));
const soon = new Date(Date.now() + 30 * 86_400_000).toISOString().slice(0, 10);

const inFilter: Record<ItemFilter, (item: Item) => boolean> = {
  all: (item) => !item.archived,
  low: (item) => !item.archived && item.min !== null && available(item) < micro(item.min),
  expiring: (item) =>
    !item.archived && item.cells.some((c) => c.qty > 0n && c.lot?.expiry != null && c.lot.expiry <= soon),
  never_counted: (item) => !item.archived && item.cells.some((c) => c.counted === null),
  negative: (item) => !item.archived && item.cells.some((c) => c.qty < 0n),
  archived: (item) => item.archived,
};

export function listItems(world: World, args: Commands["items.list"][0]): Commands["items.list"][1] {
  const words = (args.search ?? "").toLowerCase().split(/\s+/).filter(Boolean);
  const matches = (item: Item) => {
    const text = `${item.sku} ${item.name} ${item.barcodes.map((b) => b.code).join(" ")}`.toLowerCase();
    return words.every((word) => text.includes(word));
  };
  const found = world.items.filter(
    (item) => inFilter[args.filter ?? "all"](item) && (words.length === 0 || matches(item)),
  );
  const down = args.descending ? -1 : 1;
  if (args.sort === "name") found.sort((a, b) => down * (a.name < b.name ? -1 : 1));
  else if (args.sort === "on_hand") found.sort((a, b) => down * Number(onHand(a) - onHand(b)));
  else if (args.descending) found.reverse();
  const rows = found.slice(args.offset, args.offset + args.limit).map(itemRow);
  return { rows, total: found.length, more: false };
}

export function countItems(world: World): Commands["items.counts"][1] {
  const count = (filter: ItemFilter) => world.items.filter(inFilter[filter]).length;
  return {
    all: count("all"),
    low: count("low"),
    expiring: count("expiring"),
    never_counted: count("never_counted"),
    negative: count("negative"),
  };
}

export function cellRow(world: World, item: Item, cell: Cell): CellRow {
  const place = world.locations.find((l) => l.id === cell.location);
  return {
    item: { id: item.id, sku: item.sku, name: item.name, unit: item.unit, scale: item.scale },
    location: { id: cell.location, code: place?.code ?? "", name: place?.name ?? "" },
    lot: cell.lot,
    status: cell.status,
    on_hand: plain(cell.qty),
    last_counted: cell.counted,
  };
}

export function itemCard(world: World, item: Item): ItemCard {
  const cells = item.cells.filter((cell) => cell.qty !== 0n).map((cell) => cellRow(world, item, cell));
  return { ...item, category: null, cells, on_hand: plain(onHand(item)), available: plain(available(item)) };
}

/** An item's movements, newest first; the first look makes up a little past. */
export function historyOf(world: World, item: Item): MovementRow[] {
  const known = world.history.get(item.id);
  if (known) return known;
  const place = (cell: Cell) => ({
    id: cell.location,
    code: world.locations.find((l) => l.id === cell.location)?.code ?? "",
    virtual: false,
    status: cell.status,
  });
  const made = item.cells.map(
    (cell, n): MovementRow => ({
      id: mint(world, "mov"),
      kind: "receive",
      item: { id: item.id, sku: item.sku, name: item.name, unit: item.unit, scale: item.scale },
      from: { id: "location_supplier", code: "SUPPLIER", virtual: true, status: "available" },
      to: place(cell),
      lot: cell.lot,
      qty: plain(cell.qty < 0n ? -cell.qty : cell.qty || 1_000_000n),
      entered: n === 0 && item.packs.length ? "3 BOX + 7 EA" : null,
      reason: null,
      note: null,
      reference: n === 0 ? "PO-2291" : null,
      person: "Ana Tui",
      at: ago(86_400 * (n + 1) + 3000),
      state: "settled",
      reversed: false,
    }),
  );
  world.history.set(item.id, made);
  return made;
}

export function locationRows(world: World): LocationRow[] {
  const items = new Map<string, number>();
  for (const item of world.items)
    for (const cell of item.cells) if (cell.qty !== 0n) items.set(cell.location, (items.get(cell.location) ?? 0) + 1);
  return world.locations.map((row) => ({ ...row, items: items.get(row.id) ?? 0 }));
}

export function contents(world: World, args: Commands["locations.contents"][0]): Commands["locations.contents"][1] {
  const inside = new Set([args.id]);
  if (args.below) for (const row of world.locations) if (row.parent && inside.has(row.parent)) inside.add(row.id);
  const rows: CellRow[] = [];
  for (const item of world.items)
    for (const cell of item.cells)
      if (cell.qty !== 0n && inside.has(cell.location)) rows.push(cellRow(world, item, cell));
  return { rows: rows.slice(args.offset, args.offset + args.limit), total: rows.length };
}

export function resolveScan(world: World, code: string): ScanHit {
  if (/^\d{13}$/.test(code) && !isGtin(code)) return { hit: "misread", code };
  const same = (text: string) => text.toLowerCase() === code.toLowerCase();
  const item = world.items.find((i) => same(i.sku) || i.barcodes.some((b) => same(b.code)));
  if (item)
    return {
      hit: "item",
      item: item.id,
      units: item.barcodes.find((b) => same(b.code))?.units_per_scan ?? "1",
      lot: null,
    };
  const place = world.locations.find((l) => same(l.code));
  return place ? { hit: "location", location: place.id } : { hit: "unknown", code };
}

export function status(world: World): Status {
  const connection: Status["connection"] =
    world.server === null
      ? { state: "never_connected" }
      : world.cut
        ? { state: "offline", since: world.since, cut: true }
        : { state: "online", since: world.since };
  return {
    device: { id: "device_1", name: world.device },
    person: { id: "person_1", name: "Ana Tui" },
    organisation: world.server ? "Tui Hardware" : null,
    server: world.server,
    connection,
    outbox: { count: world.waiting.length, oldest: world.waiting[0] ?? null },
    inbox: world.inbox.filter((card) => card.state === "open").length,
    last_sync: world.lastSync,
    progress: world.progress,
    version: "0.1.0",
  };
}
