// Where the person is: the page, what is open in the side panel, and the way back. The entry panel
// works on the open item, so choosing another item in the list changes both.
import { createContext, type ReactNode, useContext, useMemo, useReducer } from "react";
import type { StockStatus } from "../backend/bindings";

export type Page = "stock" | "locations" | "inbox" | "import" | "settings";
export const pages: Page[] = ["stock", "locations", "inbox", "import", "settings"];
export type EntryKind = "receive" | "issue" | "move" | "adjust" | "count";
export const entryKinds: EntryKind[] = ["count", "receive", "move", "issue", "adjust"];
export const entryKey: Record<EntryKind, string> = {
  count: "F2",
  receive: "F3",
  move: "F4",
  issue: "F6",
  adjust: "F7",
};

/** What a scan found, with its name for people; `n` tells two equal scans apart. */
export type Scanned = { n: number; label: string; name?: string } & (
  | { item: { id: string; units: string; lot: { id: string; code: string } | null }; location?: undefined }
  | { item?: undefined; location: string }
);
/** A scan that has not taken its place in the queue yet. */
export type Found = Scanned extends infer S ? (S extends Scanned ? Omit<S, "n"> : never) : never;

/** A card of the inbox that wants a count, and of which lot or serial number. */
export type Asked = { card: string; lot: string | null; status: StockStatus };

export type Desk = {
  page: Page;
  item: string | null;
  creating: boolean;
  entry: EntryKind | null;
  /** The place the entry was opened for, as long as it is about this item. */
  at: { item: string; location: string; asked: Asked | null } | null;
  location: string | null;
  sheet: boolean;
  connecting: boolean;
  search: string;
  /** Scans that nobody has dealt with yet, in the order they were made. */
  scans: Scanned[];
  /** How many were ever made. */
  made: number;
  /** The scan that was dealt with last. */
  scanned: Scanned | null;
};

export type Step =
  | { do: "go"; page: Page }
  | { do: "item"; id: string | null }
  | { do: "about"; item: string | null }
  | { do: "create" }
  | { do: "entry"; kind: EntryKind; item?: string; location?: string | undefined; asked?: Asked }
  | { do: "answered" }
  | { do: "location"; id: string }
  | { do: "sheet"; open: boolean }
  | { do: "connect"; open: boolean }
  | { do: "search"; text: string }
  | { do: "scanned"; scanned: Found }
  | { do: "handled"; n: number }
  | { do: "back" };

export const start: Desk = {
  page: "stock",
  item: null,
  creating: false,
  entry: null,
  at: null,
  location: null,
  sheet: false,
  connecting: false,
  search: "",
  scans: [],
  made: 0,
  scanned: null,
};

export function step(desk: Desk, taken: Step): Desk {
  switch (taken.do) {
    case "go":
      return { ...desk, page: taken.page, sheet: false };
    case "item":
      return { ...desk, item: taken.id, creating: false };
    case "about":
      return about(desk, taken.item);
    case "create":
      return { ...desk, page: "stock", item: null, entry: null, creating: true };
    case "entry":
      return entry(desk, taken);
    case "answered":
      return { ...desk, at: desk.at && { ...desk.at, asked: null } };
    case "location":
      return { ...desk, page: "locations", location: taken.id };
    case "sheet":
      return { ...desk, sheet: taken.open };
    case "connect":
      return { ...desk, connecting: taken.open };
    case "search":
      return { ...desk, search: taken.text, page: "stock" };
    case "scanned":
      return { ...desk, made: desk.made + 1, scans: [...desk.scans, { ...taken.scanned, n: desk.made + 1 }] };
    case "handled":
      return handled(desk, taken.n);
    case "back":
      return back(desk);
  }
}

function entry(desk: Desk, { kind, item, location, asked }: Step & { do: "entry" }): Desk {
  const same = desk.entry === kind && item === undefined;
  const at = item && location ? { item, location, asked: asked ?? null } : same ? desk.at : null;
  return { ...desk, entry: kind, at, item: item ?? desk.item, creating: false, scanned: null };
}

/** The first scan in the queue is done with. Where no entry takes it, it opens what it names. */
function handled(desk: Desk, n: number): Desk {
  const [scan, ...scans] = desk.scans;
  if (scan?.n !== n) return desk;
  const rest = { ...desk, scans, scanned: scan };
  if (desk.entry) return rest;
  if (scan.item) return { ...rest, item: scan.item.id, creating: false };
  return { ...rest, page: "locations", location: scan.location };
}

/** Something else is dealt with now: a card that stands open follows it or goes; work in the panel stays. */
function about(desk: Desk, item: string | null): Desk {
  return desk.item && !desk.entry && !desk.creating ? { ...desk, item } : desk;
}

function back(desk: Desk): Desk {
  if (desk.sheet) return { ...desk, sheet: false };
  if (desk.entry) return { ...desk, entry: null };
  if (desk.creating) return { ...desk, creating: false };
  if (desk.item) return { ...desk, item: null };
  if (desk.search) return { ...desk, search: "" };
  return { ...desk, page: "stock" };
}

type Held = { desk: Desk; take: (taken: Step) => void };
const Context = createContext<Held | null>(null);

export function DeskProvider({ children }: { children: ReactNode }) {
  const [desk, take] = useReducer(step, start);
  const held = useMemo(() => ({ desk, take }), [desk]);
  return <Context.Provider value={held}>{children}</Context.Provider>;
}

export function useDesk(): Held {
  const held = useContext(Context);
  if (!held) throw new Error("the desk is used outside its provider");
  return held;
}
