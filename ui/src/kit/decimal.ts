// Exact decimals as text. A quantity never becomes a float on its way between a person and the
// engine: sums are made in millionths with BigInt.

const DIGITS = 6;
const ONE = 10n ** BigInt(DIGITS);
const PLAIN = /^([+-]?)(\d*)(?:\.(\d{0,6}))?$/;

/** Millionths of a plain decimal ("-12.5"), or null when it is not one. */
export function millionths(plain: string): bigint | null {
  const match = PLAIN.exec(plain.trim());
  if (!match) return null;
  const [, sign, whole = "", part = ""] = match;
  if (whole === "" && part === "") return null;
  const value = BigInt(whole || "0") * ONE + BigInt(part.padEnd(DIGITS, "0"));
  return sign === "-" ? -value : value;
}

/** The shortest plain decimal of so many millionths. */
export function plain(value: bigint): string {
  const magnitude = value < 0n ? -value : value;
  const part = (magnitude % ONE).toString().padStart(DIGITS, "0").replace(/0+$/, "");
  const text = part ? `${magnitude / ONE}.${part}` : `${magnitude / ONE}`;
  return value < 0n ? `-${text}` : text;
}

export function add(a: string, b: string): string {
  return plain((millionths(a) ?? 0n) + (millionths(b) ?? 0n));
}

export function subtract(a: string, b: string): string {
  return plain((millionths(a) ?? 0n) - (millionths(b) ?? 0n));
}

export function compare(a: string, b: string): number {
  const difference = (millionths(a) ?? 0n) - (millionths(b) ?? 0n);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** `amount * numerator / denominator`, or null when that is not exact. */
export function times(amount: string, numerator: number, denominator: number): string | null {
  const value = millionths(amount);
  if (value === null || denominator === 0) return null;
  const product = value * BigInt(numerator);
  return product % BigInt(denominator) === 0n ? plain(product / BigInt(denominator)) : null;
}

export type Marks = { decimal: string; group: string };

/** The decimal and grouping marks people of a language use. */
export function marksOf(locale: string): Marks {
  const parts = new Intl.NumberFormat(locale).formatToParts(12345.6);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return { decimal: of("decimal") || ".", group: of("group") };
}

/**
 * A typed number as a plain decimal. Only what reads one way is taken: in German "1.500" is fifteen
 * hundred and "1.5" is refused rather than guessed.
 */
export function typedNumber(text: string, marks: Marks): string | null {
  const match = /^([+-]?)(.+)$/.exec(text.trim());
  if (!match) return null;
  const [, sign = "", body = ""] = match;
  const [whole = "", part, ...more] = body.split(marks.decimal);
  if (more.length > 0 || (part !== undefined && !/^\d{0,6}$/.test(part))) return null;
  const groups = whole.split(marks.group || "\u0000");
  const grouped = groups.length > 1 && groups.every((g, i) => (i === 0 ? /^\d{1,3}$/ : /^\d{3}$/).test(g));
  if (!grouped && !/^\d*$/.test(whole)) return null;
  const digits = groups.join("");
  if (digits === "" && !part) return null;
  return `${sign === "-" ? "-" : ""}${digits || "0"}${part ? `.${part}` : ""}`;
}
