// A count that a card of the inbox asked for: once it is recorded, the card is answered. The count
// comes first, so that a card is never closed without one.
import { useEffect } from "react";
import { asFailure } from "../../backend/backend";
import type { StockEntry } from "../../backend/bindings";
import { type Desk, type EntryKind, useDesk } from "../desk";
import { useBackend } from "../door";
import { explain } from "../explain";
import { useWords } from "../words/words";
import type { Draft } from "./draft";

type Answered = { text: string; fault: string | null };

export function useAsked(kind: EntryKind, set: (patch: Partial<Draft>) => void) {
  const words = useWords();
  const backend = useBackend();
  const { desk, take } = useDesk();
  const asked = kind === "count" ? desk.at?.asked : undefined;
  useEffect(() => {
    if (asked) set({ location: null, lot: asked.lot, serial: asked.lot ?? "", status: asked.status });
  }, [asked, set]);
  return async (counted: StockEntry): Promise<Answered> => {
    if (!asked || !fits(counted, desk.at)) return { text: "", fault: null };
    try {
      await backend.call("inbox.resolve", { id: asked.card, keep: "recount" });
    } catch (thrown) {
      const failure = asFailure(thrown);
      if (failure.code !== "ALREADY_RESOLVED")
        return { text: "", fault: words.t("entry.done.asked_open", { why: explain(failure, words) }) };
    }
    take({ do: "answered" });
    return { text: words.t("entry.done.asked"), fault: null };
  };
}

/** Whether this is what the card asked about. Where a serial number is, is the question itself. */
function fits(counted: StockEntry, at: Desk["at"]): boolean {
  if (counted.item !== at?.item || counted.status !== at.asked?.status) return false;
  const same = (lot: string) => lot.toUpperCase() === at.asked?.lot?.toUpperCase();
  if (counted.serial) return same(counted.serial);
  return counted.location === at.location && (!counted.lot || same(counted.lot));
}
