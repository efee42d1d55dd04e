// What waits in the inbox of the in-memory engine.
import type { InboxCard } from "../bindings";
import { ago } from "./ago";
import type { World } from "./world";

export function cards(world: World): InboxCard[] {
  return world.options.everyCard ? [...few(world), ...rest(world)] : few(world);
}

const blank = {
  change: null,
  state: "open" as const,
  acted_at: ago(4000),
  field: null,
  base: null,
  mine: null,
  theirs: null,
  theirs_by: null,
  theirs_at: null,
  deed: null,
  taken: null,
  close: null,
  code: null,
  details: {},
};

function few(world: World): InboxCard[] {
  const label = (n: number) => labelled(world, n);
  return [
    {
      ...blank,
      id: "inbox_1",
      kind: "conflict",
      at: ago(600),
      subject: label(6),
      field: "name",
      base: "Bolt M8",
      mine: "Hex bolt M8x40 ZN",
      theirs: "Bolt M8 zinc",
      theirs_by: "Ana",
      theirs_at: ago(4700),
      keeps: ["mine", "theirs", "value"],
    },
    {
      ...blank,
      id: "inbox_2",
      kind: "negative",
      at: ago(900),
      subject: label(6),
      details: { on_hand: "-4", location: world.items[6]?.cells[0]?.location, lot: null, status: "available" },
      keeps: ["recount", "discard"],
    },
    {
      ...blank,
      id: "inbox_3",
      kind: "rejected",
      at: ago(7000),
      subject: label(8),
      code: "NOT_ENOUGH_STOCK",
      deed: {
        do: "issue",
        goods: { sku: world.items[8]?.sku ?? "", qty: "40", unit: "EA", scale: 0, location: "A-01-3", to: null },
      },
      details: { item: world.items[8]?.id, location: "location_A_1_3", on_hand: "12" },
      keeps: ["discard"],
    },
  ];
}

function labelled(world: World, n: number) {
  const item = world.items[n];
  return { kind: "item", id: item?.id ?? "", label: `${item?.sku} ${item?.name}` };
}

const theirs = { theirs_by: "Ana", theirs_at: ago(4700) };
const box = { code: "BOX", numerator: 12, denominator: 1 };
const longSku = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

/** The kinds that the few leave out. */
function rest(world: World): InboxCard[] {
  const stock = (qty: string) => ({ qty, unit: "EA", scale: 0 });
  const mine = { code: "", name: "Hex bolt M8x40, zinc plated", stock: stock("12") };
  const holder = { code: "SKU-0009", name: world.items[8]?.name ?? "", stock: stock("1250") };
  const rule = (word: string) => ({ is: "choice" as const, word });
  const cell = world.items[7]?.cells[0];
  const serial = world.items[7];
  return [
    {
      ...blank,
      id: "inbox_sku",
      kind: "sku_taken",
      at: ago(700),
      subject: { ...labelled(world, 9), label: mine.name },
      field: "sku",
      mine: "SKU-0009",
      taken: { mine, theirs: holder, joins: true },
      keeps: ["theirs", "value"],
    },
    {
      ...blank,
      id: "inbox_long",
      kind: "sku_taken",
      at: ago(710),
      subject: labelled(world, 11),
      field: "sku",
      mine: longSku,
      taken: {
        mine: { ...mine, code: "SKU-0012", stock: stock("0") },
        theirs: { ...holder, code: longSku },
        joins: true,
      },
      keeps: ["theirs", "value"],
    },
    {
      ...blank,
      id: "inbox_barcode",
      kind: "barcode_taken",
      at: ago(720),
      subject: { kind: "barcode", id: "barcode_9", label: "4006381000097" },
      field: "code",
      mine: "4006381000097",
      taken: { mine: { ...mine, code: "SKU-0010" }, theirs: holder, joins: false },
      keeps: ["theirs", "value"],
    },
    {
      ...blank,
      ...theirs,
      id: "inbox_packs",
      kind: "conflict",
      at: ago(730),
      subject: labelled(world, 10),
      field: "packs",
      base: { is: "packs", packs: [box], unit: "EA" },
      mine: { is: "packs", packs: [box, { code: "PALLET", numerator: 4800, denominator: 1 }], unit: "EA" },
      theirs: { is: "packs", packs: [{ ...box, numerator: 10 }], unit: "EA" },
      keeps: ["mine", "theirs"],
    },
    {
      ...blank,
      ...theirs,
      id: "inbox_rule",
      kind: "conflict",
      at: ago(740),
      subject: { kind: "location", id: "location_A_1_1", label: "A-01-1" },
      field: "negative",
      base: rule("warn"),
      mine: rule("block"),
      theirs: rule("allow"),
      keeps: ["mine", "theirs"],
    },
    {
      ...blank,
      ...theirs,
      id: "inbox_point",
      kind: "conflict",
      at: ago(750),
      subject: labelled(world, 8),
      field: "reorder_point",
      mine: { is: "amount", qty: "1250.5", unit: "KGM", scale: 2 },
      theirs: { is: "amount", qty: "900", unit: "KGM", scale: 2 },
      keeps: ["mine", "theirs", "value"],
    },
    {
      ...blank,
      id: "inbox_close",
      kind: "ambiguous_count",
      at: ago(760),
      subject: labelled(world, 8),
      theirs_by: "Ana",
      close: {
        counted: "12",
        moved: "-3",
        other: null,
        unit: "EA",
        scale: 0,
        location: "A-01-2",
        lot: null,
        kind: "issue",
        before: true,
      },
      details: { location: "location_A_1_2", lot: null, status: "available", applied: "before" },
      keeps: ["mine", "theirs", "recount"],
    },
    {
      ...blank,
      id: "inbox_twice",
      kind: "ambiguous_count",
      at: ago(765),
      subject: labelled(world, 8),
      theirs_by: "Ana",
      close: {
        counted: "9",
        moved: "0",
        other: "7",
        unit: "EA",
        scale: 0,
        location: "A-01-2",
        lot: null,
        kind: null,
        before: true,
      },
      details: { location: "location_A_1_2", lot: null, status: "available", applied: "before" },
      keeps: ["mine", "theirs", "recount"],
    },
    {
      ...blank,
      id: "inbox_serial",
      kind: "serial_elsewhere",
      at: ago(770),
      subject: { kind: "lot", id: cell?.lot?.id ?? "", label: cell?.lot?.code ?? "" },
      details: { item: serial?.id, location: cell?.location, status: "available" },
      keeps: ["recount", "discard"],
    },
  ];
}
