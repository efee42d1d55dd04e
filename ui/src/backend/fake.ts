// An honest small engine in memory, for tests and for looking at screens in a browser: `?fake`,
// `?items=100000`, `?gate=new|locked`, `?net=offline|never`, `?fail=items.list`, `?cards=every`. Never in the desktop.
import type { Backend } from "./backend";
import type { Changed, Commands, LocationRow, Tag } from "./bindings";
import { archiveItem, itemOf, record, recordOther, refuse, reverse, saveItem, settle } from "./fake/act";
import { bring } from "./fake/bring";
import { contents, countItems, historyOf, itemCard, listItems, locationRows, resolveScan, status } from "./fake/look";
import { furnish, mint, type Options, type World } from "./fake/world";

type Handlers = { [N in keyof Commands]: (args: Commands[N][0]) => Commands[N][1] };

export function optionsFrom(search: string): Options {
  const params = new URLSearchParams(search);
  const gate = params.get("gate");
  const net = params.get("net");
  return {
    items: Number(params.get("items") ?? 240),
    gate: gate === "new" || gate === "locked" ? gate : "ready",
    keyring: params.get("keyring") !== "no",
    connection: net === "offline" || net === "never" ? net : "online",
    seed: Number(params.get("seed") ?? 7),
    failing: (params.get("fail") ?? "").split(",").filter(Boolean),
    delay: Number(params.get("delay") ?? 0),
    everyCard: params.get("cards") === "every",
  };
}

/** What a person does to the window from outside. */
export type FakeBackend = Backend & { drop: (paths: string[]) => void };

export function fakeBackend(options: Partial<Options> = {}): FakeBackend {
  const drops = new Set<(paths: string[]) => void>();
  const listeners = new Set<(changed: Changed) => void>();
  const world = furnish({ ...optionsFrom(""), ...options });
  world.emit = (tags: Tag[]) => {
    for (const listener of listeners) listener({ tags });
  };
  const handlers: Handlers = {
    ...opening(world),
    ...looking(world),
    ...recording(world),
    ...records(world),
    "import.preview": (args) => bring(args, 0),
    "import.run": (args) => {
      world.emit(["items", "stock", "status"]);
      return bring(args, 1247);
    },
  };
  return {
    async call(name, args) {
      if (options.delay) await new Promise((done) => setTimeout(done, options.delay));
      if (options.failing?.includes(name)) refuse("INTERNAL", {}, `${name} was told to fail`);
      return structuredClone(handlers[name](args));
    },
    onChanged(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    onFileDrop(listener) {
      drops.add(listener);
      return () => drops.delete(listener);
    },
    drop: (paths) => {
      for (const listener of drops) listener(paths);
    },
  };
}

type Opening =
  | "app.gate"
  | "app.create"
  | "app.unlock"
  | "app.status"
  | "app.connect"
  | "app.cut"
  | "app.rebuilt_seen"
  | "sync.now";
function opening(world: World): Pick<Handlers, Opening> {
  const gate = (): Commands["app.gate"][1] =>
    world.unlocked === "new" ? { gate: "new", keyring: world.options.keyring } : { gate: world.unlocked };
  return {
    "app.gate": gate,
    "app.create": ({ name }) => {
      world.device = name;
      world.unlocked = "ready";
      world.server = null;
      return gate();
    },
    "app.unlock": ({ passphrase }) => {
      if (passphrase !== "correct horse") refuse("BAD_PASSPHRASE");
      world.unlocked = "ready";
      return gate();
    },
    "app.status": () => status(world),
    "app.connect": ({ url, code }) => {
      if (!/^https?:\/\/./.test(url)) refuse("BAD_ADDRESS");
      if (world.cut || new URL(url).hostname.endsWith(".invalid")) refuse("OFFLINE");
      if (code === "wrong") refuse("BAD_CODE");
      world.server = url;
      settle(world);
      return status(world);
    },
    "app.cut": ({ cut }) => {
      world.cut = cut;
      world.since = new Date().toISOString();
      if (!cut) settle(world);
      world.emit(["status"]);
      return status(world);
    },
    "app.rebuilt_seen": () => status(world),
    "sync.now": () => {
      if (!world.server) refuse("NOT_CONNECTED");
      if (world.cut) refuse("OFFLINE");
      settle(world);
      return status(world);
    },
  };
}

type Looking =
  | "items.list"
  | "items.counts"
  | "items.get"
  | "items.history"
  | "locations.list"
  | "locations.contents"
  | "categories.list"
  | "reasons.list"
  | "scan.resolve"
  | "inbox.list";
function looking(world: World): Pick<Handlers, Looking> {
  return {
    "items.list": (args) => listItems(world, args),
    "items.counts": () => countItems(world),
    "items.get": ({ id }) => itemCard(world, itemOf(world, id)),
    "items.history": ({ id, before, limit }) => {
      const rows = historyOf(world, itemOf(world, id));
      const from = before ? rows.findIndex((row) => row.id === before) + 1 : 0;
      return rows.slice(from, from + limit);
    },
    "locations.list": () => locationRows(world),
    "locations.contents": (args) => contents(world, args),
    "categories.list": () => [],
    "reasons.list": () => world.reasons,
    "scan.resolve": ({ code }) => resolveScan(world, code),
    "inbox.list": ({ state }) => world.inbox.filter((card) => card.state === state),
  };
}

type Recording =
  | "stock.receive"
  | "stock.issue"
  | "stock.move"
  | "stock.adjust"
  | "stock.count"
  | "stock.reverse"
  | "inbox.resolve";
function recording(world: World): Pick<Handlers, Recording> {
  return {
    "stock.receive": (entry) => record(world, "receive", entry),
    "stock.issue": (entry) => record(world, "issue", entry),
    "stock.move": (entry) => record(world, "move", entry),
    "stock.adjust": (entry) => record(world, "adjust", entry),
    "stock.count": (entry) => record(world, "count", entry),
    "stock.reverse": ({ movement }) => reverse(world, movement),
    "inbox.resolve": ({ id, keep, value }) => {
      const card = world.inbox.find((c) => c.id === id) ?? refuse("NOT_FOUND");
      if (card.state === "resolved") refuse("ALREADY_RESOLVED");
      const item = card.subject ? world.byId.get(card.subject.id) : undefined;
      const chosen = keep === "mine" ? card.mine : keep === "value" ? value : card.theirs;
      if (item && card.field === "name" && typeof chosen === "string") item.name = chosen;
      if (!card.keeps.includes(keep)) refuse("ANSWER_NOT_OFFERED");
      card.state = "resolved";
      return recordOther(world, ["inbox", "items"]);
    },
  };
}

type Records =
  | "items.save"
  | "items.archive"
  | "barcodes.save"
  | "barcodes.archive"
  | "locations.save"
  | "locations.archive"
  | "categories.save"
  | "reasons.save";
function records(world: World): Pick<Handlers, Records> {
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    "items.save": (args) => saveItem(world, args),
    "items.archive": ({ id, archived }) => archiveItem(world, id, archived),
    "barcodes.save": ({ fields }) => {
      const item = itemOf(world, text(fields.item));
      const code = text(fields.code);
      if (world.items.some((i) => i.barcodes.some((b) => b.code === code)))
        refuse("KEY_TAKEN", { kind: "barcode", key: code });
      const id = mint(world, "barcode");
      item.barcodes.push({ id, code, unit: item.unit, units_per_scan: "1" });
      return { ...recordOther(world, ["items"]), id };
    },
    "barcodes.archive": () => recordOther(world, ["items"]),
    "locations.save": ({ fields }) => {
      const code = text(fields.code).trim();
      if (!code) refuse("FIELD", { kind: "location", field: "code", problem: "missing" });
      if (world.locations.some((l) => l.code.toLowerCase() === code.toLowerCase()))
        refuse("KEY_TAKEN", { kind: "location", key: code });
      const parent = world.locations.find((l) => l.id === fields.parent);
      const row: LocationRow = {
        id: mint(world, "location"),
        code,
        name: text(fields.name),
        parent: parent?.id ?? null,
        site: parent?.site ?? null,
        role: parent ? "storage" : "site",
        negative: "warn",
        depth: parent ? parent.depth + 1 : 0,
        items: 0,
        archived: false,
      };
      const last = world.locations.findLastIndex((l) => l.id === parent?.id || l.parent === parent?.id);
      world.locations.splice(parent ? last + 1 : world.locations.length, 0, row);
      return { ...recordOther(world, ["locations"]), id: row.id };
    },
    "locations.archive": () => recordOther(world, ["locations"]),
    "categories.save": () => ({ ...recordOther(world, ["categories"]), id: mint(world, "category") }),
    "reasons.save": () => ({ ...recordOther(world, ["reasons"]), id: mint(world, "reason") }),
  };
}
