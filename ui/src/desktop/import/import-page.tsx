// A file is read whole and every bad row is shown before anything is written.
import { Alert, Button, NativeSelect, Progress, TextInput } from "@mantine/core";
import { IconCircleCheck } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { ImportKind, ImportReport } from "../../backend/bindings";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import { BadRows } from "./bad-rows";
import css from "./import.module.css";

const kinds: ImportKind[] = ["items", "locations", "stock"];
type Busy = "preview" | "run" | null;

export function ImportPage() {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const [path, setPath] = useState("");
  const [kind, setKind] = useState<ImportKind | "auto">("auto");
  const [report, setReport] = useState<ImportReport | null>(null);
  const [done, setDone] = useState<number | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState<Busy>(null);

  const ask = async (what: "preview" | "run") => {
    if (busy || !path.trim()) return;
    setBusy(what);
    setFault(null);
    setDone(null);
    try {
      const answer = await backend.call(`import.${what}`, { path: path.trim(), kind: kind === "auto" ? null : kind });
      setReport(answer);
      if (what === "run") setDone(answer.recorded);
    } catch (thrown) {
      setReport(null);
      setFault(explain(asFailure(thrown), words));
    }
    setBusy(null);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void ask("preview");
  };
  return (
    <div className={css.page}>
      <h1 className={css.title}>{t("import.title")}</h1>
      <p className={css.intro}>{t("import.intro")}</p>
      <form className={css.form} onSubmit={submit}>
        <TextInput
          label={t("import.path")}
          placeholder={t("import.path.hint")}
          value={path}
          onChange={(e) => setPath(e.currentTarget.value)}
          data-scan="off"
          data-testid={T.import.path}
          spellCheck={false}
        />
        <NativeSelect
          label={t("import.kind")}
          value={kind}
          onChange={(e) => setKind(e.currentTarget.value as ImportKind | "auto")}
          data={[
            { value: "auto", label: t("import.kind.auto") },
            ...kinds.map((value) => ({ value, label: t(`import.kind.${value}`) })),
          ]}
          data-testid={T.import.kind}
        />
        <Button
          type="submit"
          variant={report ? "default" : "filled"}
          loading={busy === "preview"}
          disabled={!path.trim()}
          data-testid={T.import.preview}
        >
          {t("import.preview")}
        </Button>
      </form>
      {fault && (
        <Alert color="red" variant="light" className={css.fault} data-testid={T.import.fault}>
          {fault}
        </Alert>
      )}
      {busy === "run" && <Running />}
      {done !== null && (
        <p className={css.done} role="status" data-testid={T.import.done}>
          <IconCircleCheck size={20} stroke={1.5} aria-hidden="true" />
          {t("import.done", { n: done })}
        </p>
      )}
      {report && (
        <Report report={report} running={busy === "run"} onRun={done === null ? () => void ask("run") : null} />
      )}
    </div>
  );
}

function Running() {
  const { t } = useWords();
  const progress = useAsk("app.status", {}, { refetchMs: 400 }).data?.progress;
  const share = progress?.total ? (100 * progress.done) / progress.total : 100;
  return (
    <div className={css.running} role="status">
      <span>
        {t("import.running")} {progress?.total && t("sync.progress.of", { done: progress.done, total: progress.total })}
      </span>
      <Progress value={share} animated={!progress?.total} aria-label={t("import.running")} />
    </div>
  );
}

const delimiters: Record<string, "comma" | "semicolon" | "tab" | "pipe"> = {
  ",": "comma",
  ";": "semicolon",
  "\t": "tab",
  "|": "pipe",
};

function Report({ report, running, onRun }: { report: ImportReport; running: boolean; onRun: (() => void) | null }) {
  const { t, number } = useWords();
  const delimiter = delimiters[report.delimiter];
  const figures = [
    ["rows", report.rows],
    ["good", report.good],
    ["bad", report.rows - report.good],
  ] as const;
  return (
    <section className={css.report} data-testid={T.import.report}>
      <div className={css.summary}>
        <dl className={css.figures}>
          {figures.map(([key, value]) => (
            <div key={key} data-key={key} data-some={value > 0}>
              <dt>{t(`import.${key}`)}</dt>
              <dd>{number(value)}</dd>
            </div>
          ))}
        </dl>
        {onRun && (
          <Button size="md" onClick={onRun} loading={running} disabled={report.good === 0} data-testid={T.import.run}>
            {t("import.run", { n: report.good })}
          </Button>
        )}
      </div>
      <p className={css.format}>
        {t(`import.kind.${report.kind}`)}.{" "}
        {t("import.format", {
          encoding: report.encoding,
          delimiter: delimiter ? t(`import.delimiter.${delimiter}`) : report.delimiter,
          decimal: t(report.decimal === "," ? "import.decimal.comma" : "import.decimal.point"),
        })}
        . {t("import.columns", { columns: report.columns.join(", ") })}.
      </p>
      {report.bad.length > 0 ? <BadRows bad={report.bad} /> : <p className={css.format}>{t("import.all_good")}</p>}
    </section>
  );
}
