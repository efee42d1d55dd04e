// What a person wanted to do, said in their language.
import { describe, expect, it } from "vitest";
import { wordsOf } from "../words/words";
import { deedText } from "./deed";

const said = (mine: string, scale = 0) => [deedText(mine, wordsOf("en"), scale), deedText(mine, wordsOf("de"), scale)];

describe("a deed", () => {
  it("names the amount at the item's scale, the item and the place", () => {
    expect(said("1250.5 KGM SKU-0006 @ A-01-3", 2)).toEqual([
      "1,250.50\u00a0KGM of SKU-0006 at A-01-3",
      "1.250,50\u00a0KGM von SKU-0006 in A-01-3",
    ]);
    expect(said("-4 EA BOLT @ HOME @ A-01")[0]).toBe("−4\u00a0EA of BOLT @ HOME at A-01");
  });
  it("says from where to where", () => {
    expect(said("40 EA SKU-0009 @ A-01-3 > A-02-1")).toEqual([
      "40\u00a0EA of SKU-0009 from A-01-3 to A-02-1",
      "40\u00a0EA von SKU-0009 von A-01-3 nach A-02-1",
    ]);
  });
  it("calls fields what people call them, and leaves out what only a program reads", () => {
    expect(said("name = Bolt, M8 = long, min = null")[1]).toBe("Name: Bolt, ein Feld: long, Mindestbestand: nichts");
    expect(said('category = category_018f0c0e5a7b7c0f8d0e0f1a2b3c4d5e, packs = [{"code":"BOX"}]')[1]).toBe(
      "Kategorie, Gebinde",
    );
  });
  it("is never the name of an action, nor JSON", () => {
    expect(said("stock.reverse")).toEqual(["taking a movement back", "eine Bewegung zurücknehmen"]);
    for (const mine of ["record.archive", "inbox.resolve", "stock.teleport", '{"action":{"do":"stock.teleport"}}'])
      for (const text of said(mine)) expect(text, mine).not.toMatch(/[{}.]/);
    expect(said('{"a":1}')[1]).toBe("eine Änderung, die diese Version nicht zeigen kann");
  });
});
