// What one base unit cost, if the person says so. The currency used last is remembered on this device;
// before any was used it is asked for: a language is no country.
import { currencyDigits } from "../../backend/bindings";
import { typedNumber } from "../../kit/decimal";
import { isCurrency, minorUnits } from "../../kit/money";
import type { Words } from "../words/words";
import type { Stage } from "./draft";

const STORED = "stillage.currency";

type Typed = Pick<Stage, "draft" | "words">;
export type CostFault = { field: "cost" | "currency"; text: string };

const digitsOf = (currency: string) => currencyDigits[currency] ?? 2;

export function shownCurrency({ draft }: Pick<Typed, "draft">): string {
  return draft.currency ?? localStorage.getItem(STORED) ?? "";
}

/** The currency as typed; a whole code is kept to begin with next time. */
export function keepCurrency(typed: string): string {
  const code = typed.trim().toUpperCase();
  if (isCurrency(code)) localStorage.setItem(STORED, code);
  return code;
}

export function readCost({ draft, words }: Typed): { minor: string; currency: string } | null {
  const currency = shownCurrency({ draft });
  const amount = typedNumber(draft.cost, words.marks);
  const minor = amount !== null && isCurrency(currency) ? minorUnits(amount, digitsOf(currency)) : null;
  return minor === null ? null : { minor, currency };
}

/** What is wrong with a cost that was typed; nothing is wrong with none. */
export function costFault(typed: Typed): CostFault | null {
  const { draft, words } = typed;
  if (!draft.cost.trim()) return null;
  const currency = shownCurrency(typed);
  if (!currency) return { field: "currency", text: words.t("entry.missing.currency") };
  if (!isCurrency(currency)) return { field: "currency", text: words.t("entry.bad.currency") };
  if (readCost(typed)) return null;
  const example = costExample(currency, words);
  return { field: "cost", text: words.t("entry.bad.cost", { text: draft.cost.trim(), currency, example }) };
}

function costExample(currency: string, words: Words): string {
  const digits = digitsOf(currency);
  return words.number(digits > 0 ? "2.5" : "3", digits);
}
