// The life of one import: a file is named, checked, and brought in. What is shown is always of the file
// as it is named now: whoever changes something checks again.
import { useEffect, useRef, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { Failure, ImportKind, ImportReport } from "../../backend/bindings";
import { useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { useWords, type Words } from "../words/words";
import { type Chosen, chosenTwice, foundIn, foundInFailure, mapOf, nothingFound, notInFile } from "./mapping";

type Source = { path: string; kind: ImportKind | "auto"; chosen: Chosen };
type Outcome = { report: ImportReport | null; done: number | null; fault: string | null };
const noOutcome: Outcome = { report: null, done: null, fault: null };

export function useImport() {
  const words = useWords();
  const backend = useBackend();
  const { say } = useVoice();
  const [source, setSource] = useState<Source>({ path: "", kind: "auto", chosen: {} });
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
    change({ path, chosen: {} });
    setFound(nothingFound);
  };
  const kind = source.kind === "auto" ? found.kind : source.kind;
  const ask = async (what: "preview" | "run", { path, chosen }: Omit<Source, "kind"> = source, known = found) => {
    if (busy || !path.trim()) return;
    const twice = chosenTwice(kind, chosen);
    if (twice) return setOutcome({ ...noOutcome, fault: words.t("import.map.twice", { column: twice }) });
    const map = mapOf(kind, chosen);
    const asked = version.current;
    setBusy(what);
    setOutcome((before) => ({ ...before, done: null, fault: null }));
    try {
      const wanted = { path: path.trim(), kind: source.kind === "auto" ? null : source.kind, map };
      const report = await backend.call(`import.${what}`, wanted);
      const done = what === "run" ? report.recorded : null;
      if (asked !== version.current) setOutcome({ ...noOutcome, done });
      else {
        setFound(foundIn(report, known));
        setOutcome({ report, done, fault: null });
      }
    } catch (thrown) {
      const failure = asFailure(thrown);
      const told = asked === version.current ? foundInFailure(failure, known) : null;
      if (told) {
        setFound(told);
        setColumnsOpen(true);
      }
      const fault = told ? columnFault(failure, notInFile(map, told), words) : explain(failure, words);
      const outdated = what === "preview" && asked !== version.current;
      setOutcome(outdated ? noOutcome : { ...noOutcome, fault });
    }
    setBusy(null);
  };
  useDropped(([path, ...others]) => {
    if (busy || !path) return;
    if (others.length > 0) say({ tone: "attention", text: words.t("import.drop.first") });
    choosePath(path);
    void ask("preview", { path, chosen: {} }, nothingFound);
  });
  const toggleColumns = () => setColumnsOpen(!columnsOpen);
  return { source, ...outcome, found, kind, busy, columnsOpen, change, choosePath, toggleColumns, ask };
}

function columnFault(failure: Failure, absent: string | null, { t }: Words): string {
  if (absent !== null) return t("import.map.absent", { column: absent });
  return t("items" in failure.details ? "import.map.unknown" : "import.map.incomplete");
}

function useDropped(onDrop: (paths: string[]) => void): void {
  const backend = useBackend();
  const latest = useRef(onDrop);
  latest.current = onDrop;
  useEffect(() => backend.onFileDrop((paths) => latest.current(paths)), [backend]);
}
