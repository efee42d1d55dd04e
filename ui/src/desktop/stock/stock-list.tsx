// The list itself: only the rows in sight exist. The list as a whole takes the focus and one row is
// the active one, so arrows, Page and Home keys work without a tab stop for every row.
import { Button, Skeleton } from "@mantine/core";
import { IconAlertTriangle, IconArrowDown, IconArrowUp, IconBox, IconSearchOff } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { ItemSort } from "../../backend/bindings";
import { StateNote } from "../../kit/state-note";
import { useAfter } from "../../kit/use-after";
import { useDesk } from "../desk";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./stock.module.css";
import { StockRow } from "./stock-row";
import { type StockRows, useStockRows, type View } from "./use-stock-rows";

const ROW = 36;
type Props = { view: View; onSort: (by: ItemSort) => void; onShowAll: () => void };

export function StockList({ view, onSort, onShowAll }: Props) {
  const { t } = useWords();
  const { desk, take } = useDesk();
  const frame = useRef<HTMLDivElement>(null);
  const [range, setRange] = useState({ first: 0, last: 40 });
  const [active, setActive] = useState(0);
  const rows = useStockRows(view, range.first, range.last);
  const total = rows.total ?? 0;
  const list = useVirtualizer({
    count: total,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 12,
    initialRect: { width: 800, height: 720 },
    onChange: (now) => {
      const seen = now.getVirtualItems();
      const next = { first: seen[0]?.index ?? 0, last: seen.at(-1)?.index ?? 0 };
      setRange((before) => (before.first === next.first && before.last === next.last ? before : next));
    },
  });
  const lookedFor = `${view.search}|${view.filter}|${view.sort}|${view.descending}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new question starts at its first row
  useEffect(() => {
    setActive(0);
    frame.current?.scrollTo({ top: 0 });
  }, [lookedFor]);

  const choose = (index: number) => {
    const row = rows.row(index);
    setActive(index);
    if (row) take({ do: "item", id: row.id });
  };
  const onKey = (event: KeyboardEvent) => {
    const page = Math.max(1, Math.floor((frame.current?.clientHeight ?? ROW * 10) / ROW) - 1);
    const moves: Record<string, number> = {
      ArrowDown: active + 1,
      ArrowUp: active - 1,
      PageDown: active + page,
      PageUp: active - page,
      Home: 0,
      End: total - 1,
    };
    const to = moves[event.key];
    if (to === undefined && event.key !== "Enter") return;
    event.preventDefault();
    if (to === undefined) return choose(active);
    const next = Math.max(0, Math.min(total - 1, to));
    setActive(next);
    list.scrollToIndex(next, { align: "auto" });
    const row = rows.row(next);
    if (desk.item && row) take({ do: "item", id: row.id });
  };

  return (
    <div className={css.table}>
      <Head view={view} onSort={onSort} />
      <div
        ref={frame}
        className={css.scroll}
        tabIndex={0}
        role="grid"
        aria-label={t("stock.list")}
        aria-rowcount={total}
        aria-activedescendant={total ? `stock-row-${active}` : undefined}
        onKeyDown={onKey}
        data-testid={T.stock.list}
      >
        <Nothing rows={rows} view={view} onShowAll={onShowAll} />
        <div className={css.sizer} style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const row = rows.row(index);
            return (
              <StockRow
                key={index}
                row={row}
                index={index}
                start={start}
                active={index === active}
                open={row !== null && row.id === desk.item}
                onChoose={choose}
              />
            );
          })}
        </div>
      </div>
      <div className={css.foot} data-testid={T.stock.total} data-total={rows.total ?? ""}>
        {rows.total === null ? "" : t(rows.more ? "stock.best" : "stock.total", { n: rows.total })}
      </div>
    </div>
  );
}

function Head({ view, onSort }: Pick<Props, "view" | "onSort">) {
  const { t } = useWords();
  const sortable = (by: ItemSort) => {
    const here = view.sort === by;
    const Arrow = view.descending ? IconArrowDown : IconArrowUp;
    return (
      <button
        type="button"
        className={css.sort}
        data-here={here}
        aria-pressed={here}
        onClick={() => onSort(by)}
        title={t("stock.sort", { column: t(`stock.col.${by}`) })}
        data-testid={T.stock.sort(by)}
      >
        {t(`stock.col.${by}`)}
        {here && <Arrow size={14} stroke={2} />}
      </button>
    );
  };
  return (
    <div className={css.headRow}>
      <span>{sortable("sku")}</span>
      <span>{sortable("name")}</span>
      <span className={css.num}>{sortable("on_hand")}</span>
      <span className={css.num}>{t("stock.col.available")}</span>
      <span className={css.num}>{t("stock.col.min")}</span>
      <span className={css.num}>{t("stock.col.bins")}</span>
    </div>
  );
}

function Nothing({ rows, view, onShowAll }: { rows: StockRows; view: View; onShowAll: () => void }) {
  const words = useWords();
  const { t } = words;
  const { take } = useDesk();
  const slow = useAfter(rows.total === null && !rows.error);
  if (rows.error)
    return (
      <StateNote
        testid={T.stock.error}
        tone="stop"
        icon={<IconAlertTriangle size={32} stroke={1.5} />}
        title={t("common.error")}
        text={explain(rows.error, words)}
        action={<Button onClick={rows.again}>{t("common.retry")}</Button>}
      />
    );
  if (slow)
    return (
      <div className={css.loading} role="status" aria-label={t("common.loading")}>
        {Array.from({ length: 14 }, (_, n) => n).map((n) => (
          <Skeleton key={n} height={14} width={`${88 - ((n * 13) % 40)}%`} />
        ))}
      </div>
    );
  if (rows.total !== 0) return null;
  if (view.search || view.filter !== "all")
    return (
      <StateNote
        testid={T.stock.none}
        icon={<IconSearchOff size={32} stroke={1.5} />}
        title={t("stock.none.title")}
        text={view.search ? t("stock.none.search", { search: view.search }) : t("stock.none.filter")}
        action={
          <Button variant="default" onClick={onShowAll}>
            {t("stock.none.show_all")}
          </Button>
        }
      />
    );
  return (
    <StateNote
      testid={T.stock.empty}
      icon={<IconBox size={32} stroke={1.5} />}
      title={t("stock.empty.title")}
      text={t("stock.empty.text")}
      action={
        <>
          <Button onClick={() => take({ do: "go", page: "import" })}>{t("stock.empty.import")}</Button>
          <Button variant="default" onClick={() => take({ do: "create" })}>
            {t("stock.new")}
          </Button>
        </>
      }
    />
  );
}
