// The life of one entry: what is typed or scanned goes into the draft; Enter goes to what is still
// missing, and records when nothing is. Afterwards the panel is ready for the next one.
import { useCallback, useEffect, useRef, useState } from "react";
import type { LocationRow } from "../../backend/bindings";
import { type EntryKind, useDesk } from "../desk";
import { useAsk } from "../door";
import { play } from "../sound/sound";
import { useWords } from "../words/words";
import { barcodeFault, blank, type Draft, type FieldName, missing, placeOf, type Stage, shownLocation } from "./draft";
import { useAsked } from "./use-asked";
import { useRecord } from "./use-record";
import { useScanned } from "./use-scanned";

export function useEntry(kind: EntryKind) {
  const words = useWords();
  const { desk, take } = useDesk();
  const [draft, setDraft] = useState<Draft>(blank);
  const [fault, setFault] = useState<string | null>(null);
  const [focus, setFocus] = useState<{ field: FieldName; n: number } | null>(null);
  const goTo = useCallback((field: FieldName) => setFocus((before) => ({ field, n: (before?.n ?? 0) + 1 })), []);
  const set = useCallback((patch: Partial<Draft>) => {
    setDraft((before) => ({ ...before, ...patch }));
    setFault(null);
  }, []);
  const answerCard = useAsked(kind, set);
  const { record, recording, last } = useRecord(setDraft, setFault, goTo, answerCard);
  const asked = useAsk("items.get", { id: desk.item ?? "" }, { enabled: desk.item !== null });
  const card = asked.data ?? null;
  const everywhere = useAsk("locations.list", {});
  const places = (everywhere.data ?? []).filter((place) => place.role === "storage" && !place.archived);
  const reasons = useAsk("reasons.list", {}).data ?? [];
  const opened = desk.at?.item === desk.item ? desk.at : null;
  const at = last?.item === desk.item && !opened?.asked ? last?.location : opened?.location;
  const stage: Stage = {
    kind,
    card: card?.id === desk.item ? card : null,
    places,
    draft: placed(draft, at ?? null, places),
    words,
  };
  const arrive = useArrival(stage, goTo);
  const known = !everywhere.isPending && (desk.item === null || !asked.isPending);
  useScanned(known && !recording, stage, set, goTo, arrive);

  const enter = (from: FieldName | null) => {
    const lack = missing(stage);
    const expanded = expand(stage);
    if (expanded) set(expanded);
    if (!lack) return expanded ? goTo("qty") : void record(stage);
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
  return { stage, set, fault, last, focus, enter, reasons, chooseItem, placed: shownLocation(stage) !== "" || !!at };
}

/** Until another place is typed, the one the entry was opened for or has recorded this item at. */
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
