// Amounts of money in minor units.
import { describe, expect, it } from "vitest";
import { isCurrency, minorUnits } from "./money";

describe("minor units", () => {
  it("are counted by the digits of the currency", () => {
    expect(minorUnits("2.5", "EUR")).toBe("250");
    expect(minorUnits("2.50", "USD")).toBe("250");
    expect(minorUnits("120", "JPY")).toBe("120");
    expect(minorUnits("1.234", "KWD")).toBe("1234");
    expect(minorUnits("0", "EUR")).toBe("0");
  });
  it("are refused where the currency is not that fine", () => {
    expect(minorUnits("2.505", "EUR")).toBeNull();
    expect(minorUnits("0.5", "JPY")).toBeNull();
  });
  it("are refused below zero, beyond what the engine takes, and for what is no number", () => {
    for (const text of ["-1", "10000000000000001", "x", ""]) expect(minorUnits(text, "EUR"), text).toBeNull();
    expect(minorUnits("10000000000000000", "EUR")).toBe("1000000000000000000");
  });
  it("belong to a code of three capitals", () => {
    expect(["EUR", "eur", "EU", "EURO", "E1R"].map(isCurrency)).toEqual([true, false, false, false, false]);
  });
});
