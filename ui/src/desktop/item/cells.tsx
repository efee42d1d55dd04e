// Where an item is, by location, lot and status. The lot that was scanned stands out.
import { UnstyledButton } from "@mantine/core";
import type { CellRow, ItemCard } from "../../backend/bindings";
import { Figure } from "../../kit/figure";
import { useDesk } from "../desk";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import css from "./item.module.css";

/** Lot or serial with its expiry, and the status where it is not the ordinary one. */
export function cellWords(cell: Pick<CellRow, "lot" | "status">, { t, date }: Words): string[] {
  const parts: string[] = [];
  if (cell.lot) parts.push(t(cell.lot.serial ? "item.serial" : "item.lot", { code: cell.lot.code }));
  if (cell.lot?.expiry) {
    const gone = cell.lot.expiry < new Date().toISOString().slice(0, 10);
    parts.push(t(gone ? "item.expired" : "item.expires", { date: date(cell.lot.expiry) }));
  }
  if (cell.status !== "available") parts.push(t(`status.${cell.status}`));
  return parts;
}

export function Cells({ card }: { card: ItemCard }) {
  const words = useWords();
  const { t, number } = words;
  const { desk, take } = useDesk();
  if (card.cells.length === 0) return <p className={css.quiet}>{t("item.where.empty")}</p>;
  const lit = desk.scanned?.item?.id === card.id ? desk.scanned.item.lot : null;
  return (
    <ul className={css.list}>
      {card.cells.map((cell) => (
        <li
          key={`${cell.location.id}${cell.lot?.id}${cell.status}`}
          className={css.cell}
          data-lit={lit !== null && cell.lot?.id === lit.id}
          data-testid={T.item.cell}
          data-code={cell.location.code}
          data-status={cell.status}
        >
          <UnstyledButton className={css.place} onClick={() => take({ do: "location", id: cell.location.id })}>
            {cell.location.code}
          </UnstyledButton>
          <span className={css.cellText}>{cellWords(cell, words).join(" · ")}</span>
          <span data-testid={T.item.cellQty} data-value={cell.on_hand}>
            <Figure
              value={number(cell.on_hand, card.scale)}
              unit={card.unit}
              tone={cell.on_hand.startsWith("-") ? "stop" : "plain"}
            />
          </span>
        </li>
      ))}
    </ul>
  );
}
