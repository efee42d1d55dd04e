// A scan fills what it names: the item, its quantity once more, the place, then the second place. An
// amount that is not recorded yet is never written over: the scan is refused, and said to be.
import { useEffect, useRef } from "react";
import { add } from "../../kit/decimal";
import { type Scanned, useDesk } from "../desk";
import { useVoice } from "../say";
import { useQueue } from "../scan/use-queue";
import {
  barcodeFault,
  type Draft,
  example,
  type FieldName,
  readQty,
  type Stage,
  shownLocation,
  shownLot,
} from "./draft";

type Set = (patch: Partial<Draft>) => void;
type ItemScan = Scanned & { item: NonNullable<Scanned["item"]> };

/** Takes scans as long as it is `ready`: what is chosen is known, and nothing is being recorded. */
export function useScanned(
  ready: boolean,
  stage: Stage,
  set: Set,
  goTo: (field: FieldName) => void,
  arrive: (id: string) => void,
): void {
  const { desk, take } = useDesk();
  const { say, hush } = useVoice();
  const refused = useRef<string[]>([]);
  const { card, draft, kind, places, words } = stage;
  const { t } = words;

  const place = (scan: Scanned) => {
    const code = places.find((one) => one.id === scan.location)?.code;
    if (!code) return say({ tone: "attention", flash: true, text: t("fail.LOCATION_NOT_STORABLE") });
    const second = kind === "move" && shownLocation(stage) !== "" && draft.location !== null;
    set(second ? { to: code } : { location: code });
    goTo(card ? (kind === "move" && !second ? "to" : "qty") : "item");
    say({ tone: "ok", flash: true, text: t("scan.location", { label: code }) });
  };
  /** Says every item that was not taken since the last one that was, so that a burst hides none. */
  const refuse = (label: string) => {
    if (!refused.current.includes(label)) refused.current = [...refused.current, label];
    const text = t("entry.scan.first", { sku: card ? nameOf(stage) : "", others: refused.current.join(", ") });
    say({ tone: "attention", flash: true, stays: true, text });
  };
  const greet = ({ label, name }: ItemScan) =>
    say({ tone: "ok", flash: true, text: t("scan.item", { label }), ...(name ? { more: name } : {}) });
  const item = (scan: ItemScan) => {
    const { id, units, lot } = scan.item;
    const typed = draft.qty.trim();
    const same = desk.item === id && isSameLot(stage, scan);
    if (!same && typed && desk.item !== null) return refuse(lot ? `${scan.label} ${lot.code}` : scan.label);
    const why = typed && desk.item === id ? unreadable(stage) : null;
    if (why) return say({ tone: "attention", flash: true, stays: true, text: why });
    const lots = lot ? { lot: lot.code, serial: lot.code } : desk.item === id ? {} : { lot: null, serial: "" };
    const before = desk.item === id ? (readQty(stage)?.total ?? null) : null;
    const qty = (before === null ? units : add(before, units)).replace(".", words.marks.decimal);
    const others = desk.item === id ? {} : { expiry: "", cost: "" };
    set({ qty: before === null && typed ? draft.qty : qty, ...lots, ...others });
    // What was not taken stays in sight.
    if (refused.current.length === 0) greet(scan);
    if (desk.item === id) return goTo("qty");
    take({ do: "item", id });
    arrive(id);
  };
  useEffect(() => {
    if (draft.qty !== "") return;
    refused.current = [];
    hush();
  }, [draft.qty, hush]);
  useEffect(() => hush, [hush]);
  useQueue(ready, (scan) => (scan.item ? item(scan) : place(scan)));
}

const nameOf = (stage: Stage) =>
  [stage.card?.sku, stage.card?.tracking === "serial" ? stage.draft.serial : shownLot(stage)].filter(Boolean).join(" ");

/** True when the scan names no lot, or the one that is being entered, or none is chosen yet. */
function isSameLot(stage: Stage, { item }: ItemScan): boolean {
  const here = stage.card?.tracking === "serial" ? stage.draft.serial : shownLot(stage);
  return item.lot === null || here.trim() === "" || here.trim().toUpperCase() === item.lot.code.toUpperCase();
}

/** Why nothing can be added to what is typed, or null when it can. */
function unreadable(stage: Stage): string | null {
  const { draft, words } = stage;
  const code = barcodeFault(stage);
  if (code || readQty(stage)?.total) return code;
  return words.t("entry.bad.qty", { text: draft.qty.trim(), example: example(stage) });
}
