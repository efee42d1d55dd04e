// What happened to an item, newest first, and the way to take one movement back. A count's difference
// is not taken back: it says what was on the shelf.
import { Button, UnstyledButton } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { useState } from "react";
import type { ItemCard, MovementRow } from "../../backend/bindings";
import { Figure } from "../../kit/figure";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import css from "./item.module.css";

const STEP = 20;

function sign(row: MovementRow): string {
  if (row.from.virtual === row.to.virtual) return "";
  return row.to.virtual ? "−" : "+";
}

function route(row: MovementRow, { t }: Words): string {
  if (row.from.virtual) return row.to.code;
  if (row.to.virtual) return row.from.code;
  return t("kind.route", { from: row.from.code, to: row.to.code });
}

export function History({ item }: { item: ItemCard }) {
  const words = useWords();
  const { t } = words;
  const [limit, setLimit] = useState(STEP);
  const rows = useAsk("items.history", { id: item.id, limit: limit + 1 }, { keepPrevious: true });
  if (rows.isError) return <p className={css.quiet}>{explain(rows.error, words)}</p>;
  if (!rows.data) return null;
  if (rows.data.length === 0) return <p className={css.quiet}>{t("item.history.empty")}</p>;
  return (
    <>
      <ul className={css.list}>
        {rows.data.slice(0, limit).map((row) => (
          <Movement key={row.id} row={row} />
        ))}
      </ul>
      {rows.data.length > limit && (
        <Button variant="subtle" size="compact-sm" onClick={() => setLimit(limit + STEP)}>
          {t("item.history.more")}
        </Button>
      )}
    </>
  );
}

function Movement({ row }: { row: MovementRow }) {
  const words = useWords();
  const { t, number, moment } = words;
  const backend = useBackend();
  const { say, fail } = useVoice();
  const what = `${t(`kind.${row.kind}`)} ${sign(row)}${number(row.qty, row.item.scale)} ${row.item.unit}, ${route(row, words)}`;
  const reverse = () =>
    backend
      .call("stock.reverse", { movement: row.id })
      .then(() => say({ tone: "ok", text: t("entry.undone", { what }) }))
      .catch(fail);
  const can = !row.reversed && row.kind !== "count_variance" && row.kind !== "reversal";
  const marks = [
    row.reversed && t("item.history.reversed"),
    row.state === "waiting" && t("item.history.waiting"),
  ].filter(Boolean);
  const why = [row.reason?.name, row.note, row.reference, row.entered].filter(Boolean).join(" · ");
  return (
    <li
      className={css.movement}
      data-reversed={row.reversed}
      data-testid={T.item.movement}
      data-kind={row.kind}
      data-state={row.state}
      data-qty={row.qty}
    >
      <span className={css.moveWhat}>
        <span>{t(`kind.${row.kind}`)}</span> <span className={css.cellText}>{route(row, words)}</span>
        <span className={css.moveWho}>
          {[row.person ?? t("item.history.this_device"), moment(row.at), ...marks].join(" · ")}
          {why && <span className={css.moveWhy}>{why}</span>}
        </span>
      </span>
      <span className={css.moveQty}>
        <Figure value={`${sign(row)}${number(row.qty, row.item.scale)}`} unit={row.item.unit} />
        {can && (
          <UnstyledButton
            className={css.reverse}
            onClick={reverse}
            aria-label={t("item.history.reverse_this", { what })}
            title={t("item.history.reverse")}
            data-testid={T.item.reverse}
          >
            <IconArrowBackUp size={16} stroke={1.5} />
          </UnstyledButton>
        )}
      </span>
    </li>
  );
}
