// The life of one entry: what is typed or scanned goes into the draft; Enter goes to what is still
// missing, and records when nothing is. Afterwards the panel is ready for the next one.
import { useCallback, useEffect, useRef, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { LocationRow } from "../../backend/bindings";
import { add } from "../../kit/decimal";
import { type EntryKind, type Scanned, useDesk } from "../desk";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { play } from "../sound/sound";
import { useWords } from "../words/words";
import {
  barcodeFault,
  blank,
  type Draft,
  entryOf,
  type FieldName,
  missing,
  placeOf,
  readQty,
  type Stage,
  shownLocation,
} from "./draft";
import { useUndo } from "./undo";
import { useAsked } from "./use-asked";

/** A count is not taken back; it is counted again. */
export type Result = { text: string; state: "waiting" | "settled"; undoable: boolean };

export function useEntry(kind: EntryKind) {
  const words = useWords();
  const backend = useBackend();
  const { desk, take } = useDesk();
  const { say } = useVoice();
  const { remember } = useUndo();
  const [draft, setDraft] = useState<Draft>(blank);
  const [fault, setFault] = useState<string | null>(null);
  const [result, setResult] = useState<Result | null>(null);
  const [focus, setFocus] = useState<{ field: FieldName; n: number } | null>(null);
  const recording = useRef(false);
  const card = useAsk("items.get", { id: desk.item ?? "" }, { enabled: desk.item !== null }).data ?? null;
  const places = (useAsk("locations.list", {}).data ?? []).filter(
    (place) => place.role === "storage" && !place.archived,
  );
  const reasons = useAsk("reasons.list", {}).data ?? [];
  const at = desk.at?.item === desk.item ? desk.at.location : null;
  const stage: Stage = {
    kind,
    card: card?.id === desk.item ? card : null,
    places,
    draft: placed(draft, at, places),
    words,
  };

  const set = useCallback((patch: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...patch }));
    setFault(null);
  }, []);
  const goTo = useCallback((field: FieldName) => setFocus((before) => ({ field, n: (before?.n ?? 0) + 1 })), []);
  const arrive = useArrival(stage, goTo);
  useScanned(stage, set, goTo, arrive);
  const answerCard = useAsked(kind, set);

  const record = async () => {
    const entry = entryOf(stage);
    if (!entry || !card || recording.current) return;
    recording.current = true;
    try {
      const recorded = await backend.call(`stock.${kind}`, entry);
      const what = wording(stage);
      remember({ kind, change: recorded.change_id, what });
      const more = leftThere(stage, recorded.on_hand);
      const answered = await answerCard(entry);
      const text = `${what} ${more} ${answered.text}`.replace(/ +/g, " ").trim();
      setResult({ text, state: recorded.state, undoable: kind !== "count" });
      say({ tone: "ok", text: what, more, quiet: true });
      setDraft((d) => ({ ...d, qty: "", serial: "", note: "", cost: "" }));
      setFault(answered.fault);
      goTo("qty");
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
    } finally {
      recording.current = false;
    }
  };
  const enter = (from: FieldName | null) => {
    const lack = missing(stage);
    const expanded = expand(stage);
    if (expanded) set(expanded);
    if (!lack) return expanded ? goTo("qty") : void record();
    const toldThere = lack.field === "cost" || lack.field === "currency" || barcodeFault(stage) !== null;
    setFault(lack.field === from && !toldThere ? lack.text : null);
    if (lack.field === from) play("attention");
    else goTo(lack.field);
  };
  const chooseItem = (id: string) => {
    take({ do: "item", id });
    setDraft((d) => ({ ...d, lot: null, serial: "", expiry: "", cost: "" }));
    arrive(id);
  };
  const hasPlace = at !== null || shownLocation(stage) !== "";
  return { stage, set, fault, result, focus, goTo, enter, reasons, chooseItem, placed: hasPlace };
}

/** Until another place is typed, the one the entry was opened for. */
function placed(draft: Draft, at: string | null, places: LocationRow[]): Draft {
  const code = draft.location === null ? places.find((place) => place.id === at)?.code : undefined;
  return code === undefined ? draft : { ...draft, location: code };
}

/** Short location codes that mean one place are written out before anything is recorded. */
function expand(stage: Stage): Partial<Draft> | null {
  const patch: Partial<Draft> = {};
  const from = placeOf(stage.places, shownLocation(stage));
  if (from && from.code.toUpperCase() !== shownLocation(stage).trim().toUpperCase()) patch.location = from.code;
  const to = placeOf(stage.places, stage.draft.to);
  if (to && to.code.toUpperCase() !== stage.draft.to.trim().toUpperCase()) patch.to = to.code;
  return Object.keys(patch).length ? patch : null;
}

function wording(stage: Stage): string {
  const { kind, card, places, draft, words } = stage;
  const read = readQty(stage);
  const qty = card && read?.total ? words.amount(read.total, card.unit, card.scale) : draft.qty;
  const location = placeOf(places, shownLocation(stage))?.code ?? "";
  return words.t(`entry.done.${kind}`, {
    qty,
    sku: card?.sku ?? "",
    location,
    to: placeOf(places, draft.to)?.code ?? "",
  });
}

/** What is now where it was recorded; a move leaves it at the place it went from. */
function leftThere(stage: Stage, onHand: string | null): string {
  const { card, places, words } = stage;
  const location = placeOf(places, shownLocation(stage))?.code;
  if (!card || !location || onHand === null) return "";
  return words.t("entry.done.on_hand", { amount: words.amount(onHand, card.unit, card.scale), location });
}

/** Once the item that was chosen is known, goes on to the place, or past it when there is only one. */
function useArrival(stage: Stage, goTo: (field: FieldName) => void): (id: string) => void {
  const awaited = useRef<string | null>(null);
  const latest = useRef<() => void>(() => {});
  latest.current = () => {
    if (!stage.card || awaited.current !== stage.card.id) return;
    awaited.current = null;
    goTo(shownLocation(stage) ? "qty" : "location");
  };
  const known = stage.card?.id;
  // biome-ignore lint/correctness/useExhaustiveDependencies: runs when another item has come in
  useEffect(() => latest.current(), [known]);
  return useCallback((id: string) => {
    awaited.current = id;
    latest.current();
  }, []);
}

/** A scan fills what it names: the item, its quantity once more, the place, then the second place. */
function useScanned(
  stage: Stage,
  set: (patch: Partial<Draft>) => void,
  goTo: (field: FieldName) => void,
  arrive: (id: string) => void,
): void {
  const { desk, take } = useDesk();
  const { say } = useVoice();
  const latest = useRef<(scan: Scanned) => void>(() => {});
  latest.current = (scan) => {
    const { card, draft, kind, places, words } = stage;
    if (scan.location) {
      const code = places.find((place) => place.id === scan.location)?.code;
      if (!code) return say({ tone: "attention", text: words.t("fail.LOCATION_NOT_STORABLE") });
      const second = kind === "move" && shownLocation(stage) !== "" && draft.location !== null;
      set(second ? { to: code } : { location: code });
      return goTo(card ? (kind === "move" && !second ? "to" : "qty") : "item");
    }
    if (!scan.item) return;
    const again = card?.id === scan.item.id;
    const typed = readQty(stage);
    if (!again && draft.qty.trim()) return say({ tone: "attention", text: words.t("entry.scan.first") });
    if (!again) {
      take({ do: "item", id: scan.item.id });
      arrive(scan.item.id);
    }
    const qty = again && typed?.total ? add(typed.total, scan.item.units) : scan.item.units;
    set({ qty: qty.replace(".", words.marks.decimal), ...(scan.item.lot ? { lot: scan.item.lot } : {}) });
    if (again) goTo("qty");
    else set({ cost: "" });
  };
  const scan = desk.scanned;
  useEffect(() => {
    if (scan) latest.current(scan);
  }, [scan]);
}
