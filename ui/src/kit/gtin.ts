// Numbers that carry the check digit of a barcode: EAN-8, UPC-A, EAN-13, GTIN-14.

const LENGTHS = new Set([8, 12, 13, 14]);

/** True when these bare digits are a barcode's. The digit at the right checks the others, times 3, 1, 3 from its left. */
export function isGtin(text: string): boolean {
  if (!LENGTHS.has(text.length) || !/^\d+$/.test(text)) return false;
  const sum = [...text].reverse().reduce((total, digit, n) => total + Number(digit) * (n % 2 ? 3 : 1), 0);
  return sum % 10 === 0 && Number(text) > 0;
}
