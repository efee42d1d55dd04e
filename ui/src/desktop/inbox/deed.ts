// What a person wanted to do, in their language. The engine says it in its own fewest words, without
// the kind of the action: `40 EA SKU-7 @ A-01`, `A-01 > A-02` for a move, `name = Bolt` for an edit, or
// the name of an action. What is not one of these, such as a whole change of a newer version, is for
// the details and not for people.
import { fieldName } from "../explain";
import type { Key, Words } from "../words/words";

const STOCK = /^(-?\d+(?:\.\d+)?) (\S+) (.+) @ (.+)$/;
const EDIT = /^(\w+) = (.*)$/s;
const RECORD = /^[a-z]+_[0-9a-f-]{32,}$/;

const named: Record<string, Key> = {
  "stock.reverse": "inbox.deed.reverse",
  "record.archive": "inbox.deed.archive",
  "inbox.resolve": "inbox.deed.resolve",
};

export function deedText(mine: string, words: Words, scale: number): string {
  const { t } = words;
  const stock = STOCK.exec(mine);
  if (stock) {
    const [, qty = "", unit = "", sku = "", places = ""] = stock;
    const [location = "", to] = places.split(" > ");
    const holes = { qty: words.amount(qty, unit, scale), sku, location };
    return to === undefined ? t("inbox.deed.stock", holes) : t("inbox.deed.move", { ...holes, to });
  }
  const edits = mine.split(/, (?=\w+ = )/).map((part) => EDIT.exec(part));
  if (edits.every((edit) => edit !== null)) return edits.map((edit) => editText(edit, words)).join(", ");
  return t(named[mine] ?? "inbox.deed.other");
}

/** A value that only a program can read is left out. */
function editText([, field = "", value = ""]: RegExpExecArray, words: Words): string {
  const name = fieldName(field, words);
  if (RECORD.test(value) || /^[[{]/.test(value)) return name;
  const empty = value === "" || value === "null";
  return words.t("inbox.deed.edit", { field: name, value: empty ? words.t("inbox.empty_value") : value });
}
