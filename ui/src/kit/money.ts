// Money as it travels: whole minor units of a currency, as text. How many decimal places a currency is
// kept in is said by whoever keeps it: browsers know only how many it is usual to show.
import { millionths } from "./decimal";

/** What the engine takes at most, in minor units. */
const LIMIT = 10n ** 18n;

export const isCurrency = (code: string): boolean => /^[A-Z]{3}$/.test(code);

/** Minor units of a plain decimal, or null when it is below zero, too large or too fine for these places. */
export function minorUnits(plain: string, digits: number): string | null {
  const value = millionths(plain);
  if (value === null || value < 0n) return null;
  const minor = value * 10n ** BigInt(digits);
  if (minor % 1_000_000n !== 0n || minor / 1_000_000n > LIMIT) return null;
  return (minor / 1_000_000n).toString();
}
