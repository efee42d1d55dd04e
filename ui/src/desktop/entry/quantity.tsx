// The quantity as people say it, and what it comes to.

import { add, subtract } from "../../kit/decimal";
import type { EntryKind } from "../desk";
import { T } from "../testids";
import { barcodeFault, example, hereNow, readQty, type Stage } from "./draft";
import css from "./entry.module.css";

function after(kind: EntryKind, here: string, amount: string): string | null {
  if (kind === "count") return null;
  return kind === "receive" || kind === "adjust" ? add(here, amount) : subtract(here, amount);
}

export function Quantity({ stage, onChange }: { stage: Stage; onChange: (qty: string) => void }) {
  const { card, draft, kind, words } = stage;
  const { t, amount } = words;
  const read = readQty(stage);
  const here = hereNow(stage);
  const label = kind === "count" ? t("entry.qty.count") : kind === "adjust" ? t("entry.qty.adjust") : t("entry.qty");
  const show = (value: string) => (card ? amount(value, card.unit, card.scale) : value);
  const then = here !== null && read?.total ? after(kind, here, read.total) : null;
  const code = barcodeFault(stage);
  const plainNumber = read !== null && read.total === read.plain;
  return (
    <div className={css.qtyBox} data-field="qty">
      <div className={css.qtyHead}>
        <label className={css.qtyLabel} htmlFor="entry-qty">
          {label}
        </label>
        {card && card.packs.length > 0 && <span>{t("entry.qty.packs", { example: example(stage) })}</span>}
      </div>
      <div className={css.qtyLine}>
        <input
          id="entry-qty"
          className={css.qty}
          data-long={draft.qty.length > 8}
          value={draft.qty}
          onChange={(event) => onChange(event.currentTarget.value)}
          placeholder={t("entry.qty.hint")}
          aria-describedby="entry-echo"
          aria-invalid={code !== null}
          inputMode="text"
          autoComplete="off"
          spellCheck={false}
          data-testid={T.entry.qty}
        />
        {(draft.qty === "" || plainNumber) && draft.qty !== "" && <span className={css.qtyUnit}>{card?.unit}</span>}
      </div>
      <output id="entry-echo" className={css.echo} data-testid={T.entry.echo}>
        {code && <span className={css.wrong}>{code}</span>}
        {!code && read?.total && !plainNumber && <strong>{t("entry.echo", { amount: show(read.total) })}</strong>}
        {!code && kind !== "count" && here !== null && (
          <span>
            {then === null
              ? t("entry.here", { amount: show(here) })
              : t("entry.here_after", { before: show(here), after: show(then) })}
          </span>
        )}
      </output>
    </div>
  );
}
