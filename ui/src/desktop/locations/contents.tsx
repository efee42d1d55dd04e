// What is in a place, alone or with everything below it.
import { Switch } from "@mantine/core";
import { IconBox } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useRef, useState } from "react";
import type { LocationRow } from "../../backend/bindings";
import { Figure } from "../../kit/figure";
import { StateNote } from "../../kit/state-note";
import { useDesk } from "../desk";
import { useAsk } from "../door";
import { explain } from "../explain";
import { cellWords } from "../item/cells";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./locations.module.css";

const ROW = 44;
const PAGE = 500;

export function Contents({ place, leaf }: { place: LocationRow; leaf: boolean }) {
  const words = useWords();
  const { t, number, ago } = words;
  const { desk, take } = useDesk();
  const [below, setBelow] = useState(!leaf);
  const [limit, setLimit] = useState(PAGE);
  const answer = useAsk("locations.contents", { id: place.id, below, offset: 0, limit }, { keepPrevious: true });
  const rows = answer.data?.rows ?? [];
  const frame = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 10,
    initialRect: { width: 500, height: 720 },
    onChange: (now) => {
      const last = now.getVirtualItems().at(-1)?.index ?? 0;
      if (last >= limit - 20 && (answer.data?.total ?? 0) > limit) setLimit(limit + PAGE);
    },
  });
  const now = Date.now();
  return (
    <section
      className={css.contents}
      aria-label={t("locations.contents", { code: place.code })}
      data-testid={T.locations.contents}
      data-code={place.code}
    >
      <div className={css.contentsHead}>
        <h2 className={css.contentsTitle}>
          {place.code}
          {place.name && <span className={css.contentsName}>{place.name}</span>}
        </h2>
        {!leaf && (
          <Switch
            checked={below}
            onChange={(event) => setBelow(event.currentTarget.checked)}
            label={t("locations.below")}
            data-testid={T.locations.below}
          />
        )}
      </div>
      {answer.isError && <StateNote tone="stop" title={t("common.error")} text={explain(answer.error, words)} />}
      {answer.data && rows.length === 0 && (
        <StateNote
          icon={<IconBox size={32} stroke={1.5} />}
          title={t("locations.contents.empty")}
          text={t("locations.contents.empty_text")}
        />
      )}
      <div ref={frame} className={css.rows}>
        <div className={css.sizer} style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (!row) return null;
            return (
              <button
                key={index}
                type="button"
                className={css.row}
                style={{ transform: `translateY(${start}px)` }}
                aria-pressed={desk.item === row.item.id}
                onClick={() => take({ do: "item", id: row.item.id })}
                data-testid={T.locations.row}
                data-sku={row.item.sku}
              >
                <span className={css.rowSku} title={row.item.sku}>
                  {row.item.sku}
                </span>
                <span className={css.rowMain}>
                  <span className={css.rowName} title={row.item.name}>
                    {row.item.name || t("item.no_name")}
                  </span>
                  <span className={css.rowMore}>
                    {[
                      below ? row.location.code : "",
                      ...cellWords(row, words),
                      row.last_counted ? `${t("locations.col.counted")} ${ago(row.last_counted, now)}` : "",
                    ]
                      .filter(Boolean)
                      .join(" · ")}
                  </span>
                </span>
                <Figure
                  value={number(row.on_hand, row.item.scale)}
                  unit={row.item.unit}
                  tone={row.on_hand.startsWith("-") ? "stop" : "plain"}
                />
              </button>
            );
          })}
        </div>
      </div>
    </section>
  );
}
