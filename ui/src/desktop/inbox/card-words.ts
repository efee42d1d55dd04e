// A card in plain words: what the person did, what happened meanwhile, and what is wanted now.
import type { CloseCount, InboxCard, Taken } from "../../backend/bindings";
import { compare } from "../../kit/decimal";
import { explain } from "../explain";
import { en } from "../words/en";
import type { Key, Words } from "../words/words";
import { valueText } from "./value-words";

/** An item whose fields are in question is called by its SKU alone: its name may be what the question is about. */
export function cardTitle(card: InboxCard, words: Words, sku: string | undefined): string {
  const { t } = words;
  const label = (card.kind === "conflict" && sku) || (card.subject?.label ?? "");
  switch (card.kind) {
    case "conflict": {
      if (card.field === "name") return t("inbox.conflict.name", { label });
      const the = `inbox.the.${card.field}`;
      const field = t(the in en ? (the as Key) : "inbox.the.other");
      return t("inbox.conflict.field", { label, field });
    }
    case "sku_taken":
    case "barcode_taken":
      return t(`inbox.${takenWhat(card)}`, { mine: valueText(card.mine, card.field, words) });
    case "ambiguous_count":
      return t(card.close?.other ? "inbox.counted_twice" : "inbox.ambiguous_count", { label });
    default:
      return t(`inbox.${card.kind}`, { label });
  }
}

export function cardText(card: InboxCard, words: Words): string {
  const { t } = words;
  const { kind, state } = card;
  if (kind === "sku_taken" || kind === "barcode_taken") return takenText(card, words);
  const who = card.theirs_by ?? t("inbox.someone");
  if (kind === "rejected") {
    const said = explain({ code: card.code ?? "", message: "", next: "", details: card.details }, words);
    return state === "resolved" ? `${said} ${t("inbox.settled")}` : said;
  }
  const holes = card.close ? closeCount(card.close, who, words) : { who };
  const what = card.close?.other ? "counted_twice" : kind;
  const now = t(state === "resolved" ? "inbox.settled" : `inbox.${what}.now`, holes);
  return `${t(`inbox.${what}.text`, holes)} ${now}`;
}

/** What both wanted: a SKU, a barcode, or the code of something else. */
export function takenWhat({ kind, subject }: InboxCard): "sku_taken" | "barcode_taken" | "code_taken" {
  if (kind === "barcode_taken") return kind;
  return subject?.kind === "item" ? "sku_taken" : "code_taken";
}

/** A thing by what people know it by, with its name. */
export function called({ code, name }: Pick<Taken["mine"], "code" | "name">): string {
  return code && name ? `${code} (${name})` : code || name;
}

function takenText(card: InboxCard, words: Words): string {
  const { t } = words;
  const what = takenWhat(card);
  const names = card.taken && { mine: called(card.taken.mine), theirs: called(card.taken.theirs) };
  const said = names ? t(`inbox.${what}.text`, names) : t("inbox.taken.unknown");
  if (card.state === "resolved") return `${said} ${t("inbox.settled")}`;
  if (!card.taken || !names) return said;
  if (what === "barcode_taken") return `${said} ${t("inbox.taken.barcode")}`;
  const now = t(card.taken.mine.code ? "inbox.taken.with" : "inbox.taken.without", names);
  return what === "sku_taken" ? `${said} ${now} ${joining(card.taken, words)}` : `${said} ${now}`;
}

/** What becomes of the stock when two items are made one. */
function joining({ mine, theirs, joins }: Taken, { t, amount }: Words): string {
  const { stock } = mine;
  const to = theirs.code || theirs.name;
  if (!joins) return t("inbox.taken.apart");
  if (!stock || compare(stock.qty, "0") === 0) return t("inbox.taken.join.empty", { theirs: to });
  return t("inbox.taken.join.stock", { stock: amount(stock.qty, stock.unit, stock.scale), theirs: to });
}

/** What was counted and moved, or counted twice, too close together, and in which order it is booked. */
function closeCount(close: CloseCount, who: string, { t, amount }: Words) {
  const { location, lot, unit, scale } = close;
  return {
    who,
    counted: amount(close.counted, unit, scale),
    other: amount(close.other ?? "0", unit, scale),
    place: lot ? t("inbox.close.lot", { location, lot }) : location,
    act: t(closeAct(close), { who, moved: amount(close.moved.replace("-", ""), unit, scale) }),
    order: t(close.before ? "inbox.ambiguous_count.before" : "inbox.ambiguous_count.after"),
  };
}

function closeAct({ kind, moved }: CloseCount): Key {
  const out = moved.startsWith("-");
  if (kind === "receive" && !out) return "inbox.close.receive";
  if (kind === "issue" && out) return "inbox.close.issue";
  if (kind === "transfer") return out ? "inbox.close.transfer_out" : "inbox.close.transfer_in";
  return out ? "inbox.close.out" : "inbox.close.in";
}
