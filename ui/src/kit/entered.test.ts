// Typed quantities, in both languages.
import { describe, expect, it } from "vitest";
import { marksOf, typedNumber } from "./decimal";
import { readEntered } from "./entered";

const packs = [{ code: "BOX", numerator: 12, denominator: 1 }];
const en = marksOf("en");
const de = marksOf("de");

describe("a typed number", () => {
  it("takes the decimal mark of the language", () => {
    expect(typedNumber("1,5", de)).toBe("1.5");
    expect(typedNumber("1.5", en)).toBe("1.5");
  });
  it("takes grouping where it stands in threes", () => {
    expect(typedNumber("12.345,5", de)).toBe("12345.5");
    expect(typedNumber("12,345.5", en)).toBe("12345.5");
  });
  it("refuses what could be read two ways", () => {
    expect(typedNumber("1.5", de)).toBeNull();
    expect(typedNumber("1,5", en)).toBeNull();
    expect(typedNumber("1,2,3", de)).toBeNull();
    expect(typedNumber("", en)).toBeNull();
  });
});

describe("a typed quantity", () => {
  it("adds packs and pieces", () => {
    expect(readEntered("3 box + 7 ea", "EA", packs, en)).toEqual({ plain: "3 box + 7 ea", total: "43" });
    expect(readEntered("3BOX+7", "EA", packs, en)?.total).toBe("43");
  });
  it("lets a minus hold for the whole", () => {
    expect(readEntered("-1 BOX + 2", "EA", packs, en)).toEqual({ plain: "-1 BOX + 2", total: "-14" });
  });
  it("hands decimals over with a point", () => {
    expect(readEntered("1,5 BOX", "EA", packs, de)).toEqual({ plain: "1.5 BOX", total: "18" });
  });
  it("knows no total for a unit it does not know, and leaves the refusal to the engine", () => {
    expect(readEntered("2 CRATE", "EA", packs, en)).toEqual({ plain: "2 CRATE", total: null });
  });
  it("refuses what is no quantity", () => {
    for (const text of ["", "box", "+", "12 -", "- -"]) expect(readEntered(text, "EA", packs, en), text).toBeNull();
  });
});
