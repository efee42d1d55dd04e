// The life of one import: a file is named, checked, and brought in. What is shown is always of the file
// as it is named now: whoever changes something checks again.
import { useEffect, useRef, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { ImportKind, ImportReport } from "../../backend/bindings";
import { useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { useWords } from "../words/words";
import { type Chosen, chosenTwice, mapOf, nothingFound, notTaken, toldBy, wholeMapOf } from "./mapping";

/** `filled`: what the engine took the columns for stands in `chosen`, so that it is all there is. */
type Source = { path: string; kind: ImportKind | "auto"; chosen: Chosen; filled: boolean };
const noSource: Source = { path: "", kind: "auto", chosen: {}, filled: false };
type Outcome = { report: ImportReport | null; done: number | null; fault: string | null };
const noOutcome: Outcome = { report: null, done: null, fault: null };

export function useImport() {
  const words = useWords();
  const backend = useBackend();
  const { say } = useVoice();
  const [source, setSource] = useState(noSource);
  const [outcome, setOutcome] = useState(noOutcome);
  const [found, setFound] = useState(nothingFound);
  const [columnsOpen, setColumnsOpen] = useState(false);
  const [busy, setBusy] = useState<"preview" | "run" | null>(null);

  const version = useRef(0);
  const change = (patch: Partial<Source>) => {
    setSource((before) => ({ ...before, ...patch }));
    setOutcome(noOutcome);
    version.current += 1;
  };
  const choosePath = (path: string) => {
    change({ path, chosen: {}, filled: false });
    setFound(nothingFound);
  };
  // What was filled in belongs to the kind it was found for.
  const chooseKind = (kind: Source["kind"]) =>
    change({ kind, chosen: source.filled ? {} : source.chosen, filled: false });
  const fill = (places: Chosen) => setSource((before) => ({ ...before, chosen: places, filled: true }));
  const kind = source.kind === "auto" ? found.kind : source.kind;
  const ask = async (what: "preview" | "run", from = source, known = found) => {
    const { path, chosen, filled } = from;
    if (busy || !path.trim()) return;
    const meant = from.kind === "auto" ? known.kind : from.kind;
    const twice = chosenTwice(meant, chosen);
    if (twice) return setOutcome({ ...noOutcome, fault: words.t("import.map.twice", { column: twice }) });
    const asked = version.current;
    const current = () => asked === version.current;
    setBusy(what);
    setOutcome((before) => ({ ...before, done: null, fault: null }));
    try {
      const map = filled ? wholeMapOf(meant, chosen, known) : mapOf(meant, chosen);
      const kind = filled || from.kind !== "auto" ? meant : null;
      const report = await backend.call(`import.${what}`, { path: path.trim(), kind, map });
      const done = what === "run" ? report.recorded : null;
      if (current()) {
        const first = known.headings.length === 0;
        setFound({ headings: report.headings, kind: report.kind });
        fill(report.places);
        if (first && notTaken(report.headings, mapOf(report.kind, report.places)).length > 0) setColumnsOpen(true);
        setOutcome({ report, done, fault: null });
      } else setOutcome({ ...noOutcome, done });
    } catch (thrown) {
      const failure = asFailure(thrown);
      const told = current() ? toldBy(failure) : null;
      if (told) {
        setFound({ headings: told.headings, kind: told.kind ?? known.kind });
        if (told.places) fill(told.places);
        setColumnsOpen(true);
      }
      const outdated = what === "preview" && !current();
      setOutcome(outdated ? noOutcome : { ...noOutcome, fault: explain(failure, words) });
    }
    setBusy(null);
  };
  useDropped(([path, ...others]) => {
    if (busy || !path) return;
    if (others.length > 0) say({ tone: "attention", text: words.t("import.drop.first") });
    choosePath(path);
    void ask("preview", { ...source, path, chosen: {}, filled: false }, nothingFound);
  });
  const toggleColumns = () => setColumnsOpen(!columnsOpen);
  return { source, ...outcome, found, kind, busy, columnsOpen, change, choosePath, chooseKind, toggleColumns, ask };
}

function useDropped(onDrop: (paths: string[]) => void): void {
  const backend = useBackend();
  const latest = useRef(onDrop);
  latest.current = onDrop;
  useEffect(() => backend.onFileDrop((paths) => latest.current(paths)), [backend]);
}
