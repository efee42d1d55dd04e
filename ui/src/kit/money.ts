// Money as it travels: whole minor units of a currency, as text. How many decimals a currency has is
// the browser's knowledge (ISO 4217); a code nobody knows has two.
import { millionths } from "./decimal";

/** What the engine takes at most, in minor units. */
const LIMIT = 10n ** 18n;

export const isCurrency = (code: string): boolean => /^[A-Z]{3}$/.test(code);

export function currencyDigits(currency: string): number {
  const format = new Intl.NumberFormat("en", { style: "currency", currency });
  return format.resolvedOptions().maximumFractionDigits ?? 2;
}

/** Minor units of a plain decimal, or null when it is below zero, too large or too fine for the currency. */
export function minorUnits(plain: string, currency: string): string | null {
  const value = millionths(plain);
  if (value === null || value < 0n) return null;
  const minor = value * 10n ** BigInt(currencyDigits(currency));
  if (minor % 1_000_000n !== 0n || minor / 1_000_000n > LIMIT) return null;
  return (minor / 1_000_000n).toString();
}
