// What a field holds, in the person's language.
import type { FieldValue } from "../../backend/bindings";
import { en } from "../words/en";
import type { Key, Words } from "../words/words";

export function valueText(value: FieldValue | null, field: string | null, words: Words): string {
  const { t, date } = words;
  if (value === null) return "";
  if (typeof value === "string") return value;
  switch (value.is) {
    case "amount":
      return amountText(value.qty, value.unit, words, value.scale);
    case "choice": {
      const key = `choice.${field}.${value.word}`;
      return key in en ? t(key as Key) : t("choice.unreadable");
    }
    case "flag":
      return t(value.on ? "choice.yes" : "choice.no");
    case "packs":
      return value.packs.map((pack) => packText(pack, value.unit, words)).join(", ");
    case "day":
      return date(`${value.day}T00:00`);
    default:
      return t("choice.unreadable");
  }
}

/** As a person would type it. */
export function typedText(value: FieldValue | null, { marks }: Words): string {
  if (typeof value === "string") return value;
  if (value?.is === "amount") return value.qty.replace(".", marks.decimal);
  return value?.is === "day" ? value.day : "";
}

type Pack = Extract<FieldValue, { is: "packs" }>["packs"][number];

/** A part of a unit is said the other way round: 4 of the pack are three units. */
function packText({ code, numerator, denominator }: Pack, unit: string, words: Words): string {
  const amount = amountText(String(numerator), unit, words);
  if (denominator === 1) return words.t("choice.pack", { code, amount });
  return words.t("choice.packs_of", { count: denominator, code, amount });
}

/** Without its unit where the item is not at hand. */
function amountText(qty: string, unit: string, { amount, number }: Words, scale?: number): string {
  return unit ? amount(qty, unit, scale) : number(qty, scale);
}
