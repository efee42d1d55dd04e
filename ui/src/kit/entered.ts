// What people type as a quantity: "12", "3 BOX + 7 EA", "1,5 kg". The engine parses it again and
// its answer counts; here it is only brought into plain decimals and summed for the echo on screen.
import { add, type Marks, subtract, times, typedNumber } from "./decimal";

export type PackRatio = { code: string; numerator: number; denominator: number };
export type Entered = { plain: string; total: string | null };

const TERM = /^(\d[\d.,'\u00a0\u202f]*|[.,]\d+)\s*([^\d\s.,+-].*)?$/u;

/** The text with plain decimals and, when every unit is known, its sum. A leading minus holds for the whole. */
export function readEntered(text: string, unit: string, packs: PackRatio[], marks: Marks): Entered | null {
  const typed = text.trim();
  const negative = /^[-\u2212]/.test(typed);
  const parts: string[] = [];
  let total: string | null = "0";
  for (const term of typed.replace(/^[-\u2212+]/, "").split("+")) {
    const match = TERM.exec(term.trim());
    const number = match ? typedNumber(match[1]?.trim() ?? "", marks) : null;
    if (!match || number === null) return null;
    const code = match[2]?.trim() ?? "";
    parts.push(code ? `${number} ${code}` : number);
    const base = inBase(number, code, unit, packs);
    total = total !== null && base !== null ? add(total, base) : null;
  }
  const sign = negative ? "-" : "";
  return { plain: sign + parts.join(" + "), total: total !== null && negative ? subtract("0", total) : total };
}

function inBase(number: string, code: string, unit: string, packs: PackRatio[]): string | null {
  const same = (a: string, b: string) => a.toLocaleUpperCase() === b.toLocaleUpperCase();
  if (code === "" || same(code, unit)) return number;
  const pack = packs.find((p) => same(p.code, code));
  return pack ? times(number, pack.numerator, pack.denominator) : null;
}
