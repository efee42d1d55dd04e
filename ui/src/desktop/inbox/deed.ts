// What a person wanted to do, in their language.
import type { Deed, Goods } from "../../backend/bindings";
import { fieldName } from "../explain";
import type { Words } from "../words/words";
import { valueText } from "./value-words";

export function deedText(deed: Deed | null, words: Words): string {
  const { t } = words;
  switch (deed?.do) {
    case "receive":
    case "issue":
    case "transfer":
    case "adjust":
    case "count":
      return t(`inbox.deed.${deed.do}`, holes(deed.goods, words));
    case "reverse": {
      if (!deed.goods) return t("inbox.deed.reverse");
      const moved = holes(deed.goods, words);
      return t(deed.goods.to === null ? "inbox.deed.reverse_of" : "inbox.deed.reverse_move", moved);
    }
    case "save": {
      const fields = deed.fields.map((edit) => editText(edit, words)).join(", ");
      return deed.created ? t("inbox.deed.create", { fields }) : fields;
    }
    case "archive":
      return t(deed.archived ? "inbox.deed.archive" : "inbox.deed.restore", { label: deed.label });
    case "resolve":
      return t("inbox.deed.resolve", { answer: t(`inbox.keep.${deed.keep}`) });
    default:
      return t("inbox.deed.other");
  }
}

function holes({ sku, qty, unit, scale, location, to }: Goods, { amount }: Words) {
  return { sku, qty: amount(qty, unit, scale), location, to: to ?? "" };
}

type Edit = Extract<Deed, { do: "save" }>["fields"][number];

function editText({ field, value }: Edit, words: Words): string {
  const told = valueText(value, field, words) || words.t("inbox.empty_value");
  return words.t("inbox.deed.edit", { field: fieldName(field, words), value: told });
}
