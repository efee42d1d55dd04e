// What a file comes to, while it is brought in and afterwards.
import { Button, Progress } from "@mantine/core";
import type { ImportReport } from "../../backend/bindings";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import { BadRows } from "./bad-rows";
import css from "./import.module.css";

export function Running() {
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

type Props = { report: ImportReport; running: boolean; onRun: (() => void) | null };

export function Report({ report, running, onRun }: Props) {
  const { t, number } = useWords();
  const delimiter = delimiters[report.delimiter];
  const places = Object.values(report.places);
  const taken = report.headings.filter((heading) => places.includes(heading));
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
        . {t("import.columns", { columns: taken.join(", ") })}.
      </p>
      {report.bad.length > 0 ? <BadRows bad={report.bad} /> : <p className={css.format}>{t("import.all_good")}</p>}
    </section>
  );
}
