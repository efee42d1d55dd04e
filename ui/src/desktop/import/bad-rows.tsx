// Every bad row at once, with the column, the value as it stands in the file, and what is wrong. The
// engine's own sentence, in English, may name the other row; it is in the tooltip.
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef } from "react";
import type { BadRow } from "../../backend/bindings";
import { explainRow } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./import.module.css";

const ROW = 40;

export function BadRows({ bad }: { bad: BadRow[] }) {
  const words = useWords();
  const { t, number } = words;
  const frame = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: bad.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 10,
    initialRect: { width: 700, height: 400 },
  });
  return (
    <>
      <h2 className={css.badTitle}>{t("import.bad.title", { n: new Set(bad.map((row) => row.row)).size })}</h2>
      <div className={css.badHead}>
        <span>{t("import.bad.row")}</span>
        <span>{t("import.bad.column")}</span>
        <span>{t("import.bad.value")}</span>
        <span>{t("import.bad.reason")}</span>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls and holds nothing to press must be reachable */}
      <section ref={frame} className={css.badList} tabIndex={0} aria-label={t("import.bad.list")}>
        <div className={css.sizer} style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const row = bad[index];
            const wrong = row && explainRow(row, words);
            return (
              row && (
                <div
                  key={index}
                  className={css.badRow}
                  style={{ transform: `translateY(${start}px)` }}
                  data-testid={T.import.bad}
                  data-row={row.row}
                  data-code={row.code}
                >
                  <span>{number(row.row)}</span>
                  <span>{row.column}</span>
                  <span className={css.value} title={row.value}>
                    {row.value || "—"}
                  </span>
                  <span title={`${wrong}\n${row.reason}`}>{wrong}</span>
                </div>
              )
            );
          })}
        </div>
      </section>
    </>
  );
}
