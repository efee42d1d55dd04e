// Recording one entry, and what stays of it: the words for it, the change it made, and where it was.
import { type Dispatch, type SetStateAction, useRef, useState } from "react";
import { asFailure } from "../../backend/backend";
import { useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { useWords } from "../words/words";
import { type Draft, entryOf, type FieldName, placeOf, readQty, type Stage, shownLocation } from "./draft";
import { useUndo } from "./undo";
import type { useAsked } from "./use-asked";

/** A count is not taken back; it is counted again. */
export type Result = {
  text: string;
  change: string;
  item: string;
  location: string;
  state: "waiting" | "settled";
  /** When the engine had answered. */
  at: number;
  undoable: boolean;
};

export function useRecord(
  setDraft: Dispatch<SetStateAction<Draft>>,
  setFault: (fault: string | null) => void,
  goTo: (field: FieldName) => void,
  answerCard: ReturnType<typeof useAsked>,
) {
  const words = useWords();
  const backend = useBackend();
  const { say } = useVoice();
  const { remember } = useUndo();
  const [last, setLast] = useState<Result | null>(null);
  const [recording, setRecording] = useState(false);
  const busy = useRef(false);
  const record = async (stage: Stage) => {
    const entry = entryOf(stage);
    if (!entry || busy.current) return;
    busy.current = true;
    setRecording(true);
    try {
      const { change_id: change, state, on_hand } = await backend.call(`stock.${stage.kind}`, entry);
      const what = wording(stage);
      const more = leftThere(stage, on_hand);
      remember({ kind: stage.kind, change, what });
      const { item, location } = entry;
      const undoable = stage.kind !== "count";
      const answered = await answerCard(entry);
      const text = `${what} ${more} ${answered.text}`.replace(/ +/g, " ").trim();
      setLast({ text, change, item, location, state, at: Date.now(), undoable });
      say({ tone: "ok", text: what, more, quiet: true });
      setDraft((d) => ({ ...d, qty: "", serial: "", note: "", cost: "" }));
      setFault(answered.fault);
      goTo("qty");
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
    } finally {
      busy.current = false;
      setRecording(false);
    }
  };
  return { record, recording, last };
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
