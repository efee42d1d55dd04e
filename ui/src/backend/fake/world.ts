// The state of the in-memory engine and the furnished warehouse it starts with. Everything is made by
// a seeded generator, so the same address shows the same warehouse.
import type { InboxCard, ItemCard, LocationRow, MovementRow, ReasonRow, StockStatus, Tag } from "../bindings";
import { ago } from "./ago";
import { cards } from "./cards";

export type Cell = {
  location: string;
  lot: { id: string; code: string; expiry: string | null; serial: boolean } | null;
  status: StockStatus;
  qty: bigint;
  counted: string | null;
};
export type Item = Omit<ItemCard, "cells" | "on_hand" | "available" | "category"> & { cells: Cell[] };

export type Options = {
  items: number;
  gate: "ready" | "new" | "locked";
  keyring: boolean;
  connection: "online" | "offline" | "never";
  seed: number;
  failing: string[];
  delay: number;
  /** Every kind of card in the inbox, instead of a few. */
  everyCard: boolean;
};

export type World = {
  options: Options;
  items: Item[];
  byId: Map<string, Item>;
  locations: LocationRow[];
  reasons: ReasonRow[];
  history: Map<string, MovementRow[]>;
  inbox: InboxCard[];
  device: string;
  server: string | null;
  cut: boolean;
  since: string;
  waiting: string[];
  lastSync: string | null;
  unlocked: "ready" | "new" | "locked";
  progress: {
    phase: "first_sync" | "catching_up" | "import";
    done: number;
    total: number | null;
    bytes: number | null;
    total_bytes: number | null;
  } | null;
  minted: number;
  emit: (tags: Tag[]) => void;
};

export function mint(world: World, prefix: string): string {
  world.minted += 1;
  return `${prefix}_${world.minted.toString(16).padStart(32, "0")}`;
}

function generator(seed: number): (below: number) => number {
  let state = seed >>> 0 || 1;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const THINGS = [
  "Hex bolt",
  "Washer",
  "Flange nut",
  "Cable tie",
  "Ball bearing",
  "O-ring",
  "Hose clamp",
  "Fuse",
  "Terminal block",
  "Pallet wrap",
];
const FINISHES = ["ZN", "A2", "A4", "black", "8.8", "10.9", "nylon", "brass"];

export function furnish(options: Options): World {
  const pick = generator(options.seed);
  const world: World = {
    options,
    items: [],
    byId: new Map(),
    locations: options.items === 0 ? [] : places(),
    reasons: reasons(),
    history: new Map(),
    inbox: [],
    device: "Packing desk 3",
    server: options.connection === "never" ? null : "http://stock.example.com:8000",
    cut: options.connection === "offline",
    since: ago(52 * 60),
    waiting: [],
    lastSync: options.connection === "never" ? null : ago(options.connection === "offline" ? 3300 : 12),
    unlocked: options.gate,
    progress: null,
    minted: 0x1000,
    emit: () => {},
  };
  const bins = world.locations.filter((l) => l.role === "storage" && l.depth === 2);
  for (let n = 0; n < options.items; n++) {
    const item = anItem(n, pick, bins);
    world.items.push(item);
    world.byId.set(item.id, item);
  }
  if (options.connection === "offline") world.waiting = Array.from({ length: 37 }, (_, n) => ago(52 * 60 - n * 60));
  world.inbox = options.items >= 10 ? cards(world) : [];
  return world;
}

function anItem(n: number, pick: (below: number) => number, bins: LocationRow[]): Item {
  const thing = THINGS[pick(THINGS.length)] ?? "";
  const size = `M${3 + pick(14)}x${10 + 5 * pick(20)}`;
  const tracking = n % 9 === 4 ? "lot" : n % 31 === 7 ? "serial" : "none";
  const scale = n % 13 === 5 ? 2 : 0;
  const id = `item_${(n + 1).toString(16).padStart(32, "0")}`;
  const long = n === 11 ? " with captive washer, left-hand thread, for outdoor mounting rails" : "";
  const cells: Cell[] = [];
  for (let c = 0; c < (n % 17 === 0 ? 0 : 1 + pick(3)); c++) {
    const lot =
      tracking === "none"
        ? null
        : {
            id: `lot_${n}_${c}`,
            code: tracking === "serial" ? `SN${4000 + n * 3 + c}` : `22${"BCD"[c]}`,
            expiry: tracking === "lot" ? day(c === 0 ? 20 + (n % 300) : 400) : null,
            serial: tracking === "serial",
          };
    const amount =
      tracking === "serial"
        ? 1_000_000n
        : BigInt(n === 6 ? -4 : pick(n % 5 === 0 ? 40 : 900)) * (scale ? 250_000n : 1_000_000n);
    cells.push({
      location: bins[(n * 3 + c * 5) % bins.length]?.id ?? "",
      lot,
      status: c === 2 && n % 4 === 0 ? "quarantine" : "available",
      qty: amount,
      counted: n % 3 === 0 ? null : ago(86_400 * (1 + pick(90))),
    });
  }
  return {
    id,
    version: 3,
    sku: `SKU-${String(n + 1).padStart(4, "0")}`,
    name: `${thing} ${size} ${FINISHES[pick(FINISHES.length)]}${long}`,
    description: "",
    unit: scale ? "KGM" : "EA",
    scale,
    packs: scale
      ? []
      : [
          { code: "BOX", numerator: 12, denominator: 1 },
          { code: "PALLET", numerator: 480, denominator: 1 },
        ],
    tracking,
    min: n % 4 === 0 ? String(20 * (1 + pick(6))) : null,
    reorder_point: n % 4 === 0 ? "160" : null,
    aliases: [],
    barcodes: [{ id: `barcode_${n}`, code: gtin(n), unit: scale ? "KGM" : "EA", units_per_scan: "1" }],
    cells,
    pending: n % 41 === 3,
    archived: n % 97 === 50,
  };
}

/** An EAN-13 with a right check digit. */
export function gtin(n: number): string {
  const body = `400${String(638_100_000 + n).padStart(9, "0")}`;
  const sum = [...body].reduce((total, digit, i) => total + Number(digit) * (i % 2 ? 3 : 1), 0);
  return `${body}${(10 - (sum % 10)) % 10}`;
}

const day = (ahead: number) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);

function places(): LocationRow[] {
  const rows: LocationRow[] = [];
  const row = (id: string, code: string, name: string, parent: string | null, depth: number): string => {
    rows.push({
      id,
      code,
      name,
      parent,
      site: "location_site",
      role: depth === 0 ? "site" : "storage",
      negative: "warn",
      depth,
      items: 0,
      archived: false,
    });
    return id;
  };
  const site = row("location_site", "AKL", "Auckland DC", null, 0);
  for (const [area, name] of [
    ["A", "Fasteners"],
    ["B", "Bearings and seals"],
    ["Q", "Quarantine cage"],
  ] as const) {
    const parent = row(`location_${area}`, area, name, site, 1);
    for (let rack = 1; rack <= (area === "Q" ? 1 : 4); rack++)
      for (let bin = 1; bin <= 4; bin++)
        row(`location_${area}_${rack}_${bin}`, `${area}-0${rack}-${bin}`, "", parent, 2);
  }
  return rows;
}

function reasons(): ReasonRow[] {
  const list: [string, string, ReasonRow["direction"], boolean][] = [
    ["DAMAGED", "Damaged", "out", false],
    ["EXPIRED", "Expired", "out", false],
    ["MISSING", "Missing", "out", false],
    ["FOUND", "Found", "in", false],
    ["COUNT_CORRECTION", "Count correction", "both", false],
    ["SAMPLE_GIVEN", "Sample given away", "out", false],
    ["OTHER", "Other", "both", true],
  ];
  return list.map(([code, name, direction, note_required]) => ({
    id: `reason_${code}`,
    code,
    name,
    direction,
    note_required,
  }));
}
