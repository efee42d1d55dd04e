// One item on one line: 36 px, figures to the right, low stock marked by more than its colour.
import { IconArrowUp, IconTrendingDown } from "@tabler/icons-react";
import { memo } from "react";
import type { ItemRow } from "../../backend/bindings";
import { compare } from "../../kit/decimal";
import { Figure } from "../../kit/figure";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./stock.module.css";

type Props = {
  row: ItemRow | null;
  index: number;
  start: number;
  active: boolean;
  open: boolean;
  onChoose: (index: number) => void;
};

function Line({ row, index, start, active, open, onChoose }: Props) {
  const { t, number } = useWords();
  const style = { transform: `translateY(${start}px)` };
  if (!row)
    return (
      <div className={css.row} style={style} aria-hidden="true">
        <span className={css.ghost} />
      </div>
    );
  const low = row.min !== null && compare(row.available, row.min) < 0;
  const below = compare(row.on_hand, "0") < 0;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the list around it has the keys
    <div
      className={css.row}
      style={style}
      role="row"
      id={`stock-row-${index}`}
      aria-rowindex={index + 1}
      aria-selected={open}
      data-active={active}
      data-sku={row.sku}
      data-pending={row.pending}
      data-testid={T.stock.row}
      onClick={() => onChoose(index)}
    >
      <span role="gridcell" className={css.sku} data-testid={T.stock.rowSku} title={row.sku}>
        {row.sku}
      </span>
      <span role="gridcell" className={css.name} data-testid={T.stock.rowName} title={row.name}>
        <span className={css.nameText}>{row.name || t("item.no_name")}</span>
        {row.pending && (
          <span className={css.pending} title={t("stock.pending")}>
            <IconArrowUp size={14} stroke={1.5} role="img" aria-label={t("stock.pending")} />
          </span>
        )}
      </span>
      <span role="gridcell" className={css.num}>
        <Figure
          value={number(row.on_hand, row.scale)}
          unit={row.unit}
          tone={below ? "stop" : "plain"}
          testid={T.stock.rowOnHand}
        />
      </span>
      <span role="gridcell" className={css.num}>
        <Figure value={number(row.available, row.scale)} tone={row.available === row.on_hand ? "muted" : "plain"} />
      </span>
      <span role="gridcell" className={css.num}>
        {low && (
          <span className={css.low} title={t("stock.low")}>
            <IconTrendingDown size={16} stroke={1.5} role="img" aria-label={t("stock.low")} />
          </span>
        )}
        {row.min !== null && <Figure value={number(row.min, row.scale)} tone={low ? "attention" : "muted"} />}
      </span>
      <span role="gridcell" className={css.num}>
        <Figure value={number(row.bins)} tone="muted" />
      </span>
    </div>
  );
}

export const StockRow = memo(Line);
