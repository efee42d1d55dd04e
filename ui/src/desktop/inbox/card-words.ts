// A card in plain words: what the person did, and what happened meanwhile.
import type { InboxCard } from "../../backend/bindings";
import { explain, fieldName } from "../explain";
import type { Words } from "../words/words";

export function cardTitle(card: InboxCard, words: Words): string {
  const { t } = words;
  const label = card.subject?.label ?? "";
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
  const who = card.theirs_by ?? words.t("inbox.someone");
  if (card.kind === "rejected")
    return explain({ code: card.code ?? "", message: "", next: "", details: card.details }, words);
  return words.t(`inbox.${card.kind}.text`, { who });
}
