// Ctrl+Z: writes the opposite of the last thing recorded here, and says so. The last twenty can be
// taken back one by one. A count is not taken back; it is counted again.
import { createContext, type ReactNode, useContext, useMemo, useRef } from "react";
import type { EntryKind } from "../desk";
import { useBackend } from "../door";
import { useVoice } from "../say";
import { useWords } from "../words/words";

const STEPS = 20;
type Done = { kind: EntryKind; change: string; what: string };
type Undo = { remember: (done: Done) => void; undo: () => Promise<void> };

const Context = createContext<Undo | null>(null);

/** The movement a change makes has the change's own number. */
export function movementOf(change: string): string {
  return `mov_${change.slice(change.indexOf("_") + 1)}`;
}

export function UndoProvider({ children }: { children: ReactNode }) {
  const backend = useBackend();
  const { say, fail } = useVoice();
  const { t } = useWords();
  const past = useRef<Done[]>([]);
  const held = useMemo<Undo>(
    () => ({
      remember: (done) => {
        past.current = [...past.current, done].slice(-STEPS);
      },
      undo: async () => {
        const last = past.current.at(-1);
        if (!last) return say({ tone: "attention", text: t("entry.undo.nothing") });
        if (last.kind === "count") return say({ tone: "attention", text: t("entry.undo.count") });
        past.current = past.current.slice(0, -1);
        try {
          await backend.call("stock.reverse", { movement: movementOf(last.change) });
          say({ tone: "ok", text: t("entry.undone", { what: last.what }) });
        } catch (thrown) {
          fail(thrown);
        }
      },
    }),
    [backend, say, fail, t],
  );
  return <Context.Provider value={held}>{children}</Context.Provider>;
}

export function useUndo(): Undo {
  const undo = useContext(Context);
  if (!undo) throw new Error("undo is used outside its provider");
  return undo;
}
