// A card in plain words: what the person did, what happened meanwhile, and what is wanted now.
import type { InboxCard } from "../../backend/bindings";
import { explain, fieldName } from "../explain";
import type { Words } from "../words/words";

/** An item whose fields are in question is called by its SKU alone: its name may be what the question is about. */
export function cardTitle(card: InboxCard, words: Words, sku: string | undefined): string {
  const { t } = words;
  const label = (card.kind === "conflict" && sku) || (card.subject?.label ?? "");
  const mine = card.mine ?? "";
  switch (card.kind) {
    case "conflict":
      return card.field === "name"
        ? t("inbox.conflict.name", { label })
        : t("inbox.conflict.field", { label, field: fieldName(card.field, words) });
    case "sku_taken":
    case "barcode_taken":
      return t(`inbox.${card.kind}`, { mine });
    default:
      return t(`inbox.${card.kind}`, { label });
  }
}

export function cardText(card: InboxCard, words: Words): string {
  const { t } = words;
  const { kind, state } = card;
  const close = kind === "ambiguous_count" ? closeCount(card, words) : {};
  const said =
    kind === "rejected"
      ? explain({ code: card.code ?? "", message: "", next: "", details: card.details }, words)
      : t(`inbox.${kind}.text`, { who: card.theirs_by ?? t("inbox.someone"), ...close });
  const now = state === "resolved" ? t("inbox.settled") : kind === "rejected" ? "" : t(`inbox.${kind}.now`, close);
  return `${said} ${now}`.trim();
}

/** What was counted and moved too close together, and in which order it is booked. */
function closeCount({ details }: InboxCard, { t, number }: Words) {
  return {
    counted: number(String(details.counted)),
    moved: number(String(details.moved)),
    order: t(details.applied === "before" ? "inbox.ambiguous_count.before" : "inbox.ambiguous_count.after"),
  };
}
