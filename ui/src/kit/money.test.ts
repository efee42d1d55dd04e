// Amounts of money in minor units.
import { describe, expect, it } from "vitest";
import { isCurrency, minorUnits } from "./money";

describe("minor units", () => {
  it("are counted by the places of the currency", () => {
    expect(minorUnits("2.5", 2)).toBe("250");
    expect(minorUnits("2.50", 2)).toBe("250");
    expect(minorUnits("120", 0)).toBe("120");
    expect(minorUnits("1.234", 3)).toBe("1234");
    expect(minorUnits("0", 2)).toBe("0");
  });
  it("are refused where the currency is not that fine", () => {
    expect(minorUnits("2.505", 2)).toBeNull();
    expect(minorUnits("0.5", 0)).toBeNull();
  });
  it("are refused below zero, beyond what the engine takes, and for what is no number", () => {
    for (const text of ["-1", "10000000000000001", "x", ""]) expect(minorUnits(text, 2), text).toBeNull();
    expect(minorUnits("10000000000000000", 2)).toBe("1000000000000000000");
  });
  it("belong to a code of three capitals", () => {
    expect(["EUR", "eur", "EU", "EURO", "E1R"].map(isCurrency)).toEqual([true, false, false, false, false]);
  });
});
