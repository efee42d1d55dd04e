// What a person wanted to do, said in their language.
import { describe, expect, it } from "vitest";
import type { Deed, FieldValue, Goods } from "../../backend/bindings";
import { wordsOf } from "../words/words";
import { deedText } from "./deed";

const said = (deed: Deed | null) => [deedText(deed, wordsOf("en")), deedText(deed, wordsOf("de"))];

const goods: Goods = { sku: "SKU-0006", qty: "1250.5", unit: "KGM", scale: 2, location: "A-01-3", to: null };
const moved: Goods = { sku: "SKU-0009", qty: "40", unit: "EA", scale: 0, location: "A-01-3", to: "A-02-1" };

describe("a deed", () => {
  it("names the amount at the item's scale, the item and the place", () => {
    expect(said({ do: "receive", goods })).toEqual([
      "receive 1,250.50\u00a0KGM of SKU-0006 at A-01-3",
      "1.250,50\u00a0KGM von SKU-0006 nach A-01-3 einbuchen",
    ]);
    expect(said({ do: "issue", goods: { ...goods, sku: "BOLT @ HOME > 1" } })[0]).toBe(
      "issue 1,250.50\u00a0KGM of BOLT @ HOME > 1 from A-01-3",
    );
    expect(said({ do: "adjust", goods: { ...moved, qty: "-4", to: null } })).toEqual([
      "change SKU-0009 at A-01-3 by −4\u00a0EA",
      "SKU-0009 in A-01-3 um −4\u00a0EA korrigieren",
    ]);
    expect(said({ do: "count", goods })[1]).toBe("SKU-0006 in A-01-3 zählen: 1.250,50\u00a0KGM");
  });
  it("says from where to where", () => {
    expect(said({ do: "transfer", goods: moved })).toEqual([
      "move 40\u00a0EA of SKU-0009 from A-01-3 to A-02-1",
      "40\u00a0EA von SKU-0009 von A-01-3 nach A-02-1 umlagern",
    ]);
  });
  it("says what would have been taken back, as far as that is known", () => {
    expect(said({ do: "reverse", goods: moved })[0]).toBe(
      "take back the move of 40\u00a0EA of SKU-0009 from A-01-3 to A-02-1",
    );
    expect(said({ do: "reverse", goods: { ...moved, to: null } })[1]).toBe(
      "die Bewegung von 40\u00a0EA SKU-0009 in A-01-3 zurücknehmen",
    );
    expect(said({ do: "reverse", goods: null })).toEqual(["take a movement back", "eine Bewegung zurücknehmen"]);
  });
  it("calls fields and what they hold what people call them", () => {
    const packs: FieldValue = {
      is: "packs",
      packs: [
        { code: "BOX", numerator: 1250, denominator: 1 },
        { code: "HALF", numerator: 1, denominator: 2 },
      ],
      unit: "EA",
    };
    const fields = [
      { field: "name", value: "Bolt, M8 = long" },
      { field: "min", value: null },
      { field: "packs", value: packs },
      { field: "negative", value: { is: "choice" as const, word: "block" } },
      { field: "newer", value: { is: "unreadable" as const } },
    ];
    const edits =
      "Name: Bolt, M8 = long, Mindestbestand: nichts, Gebinde: BOX\u00a0=\u00a01.250\u00a0EA, 2\u00a0HALF\u00a0=\u00a01\u00a0EA, " +
      "Regel für unter null: wird abgelehnt, ein Feld: ein Wert, den diese Version nicht zeigen kann";
    expect(said({ do: "save", created: false, fields })[1]).toBe(edits);
    expect(said({ do: "save", created: true, fields })[1]).toBe(`neu anlegen mit ${edits}`);
  });
  it("has its own words for putting away, bringing back and answering", () => {
    const all: Deed[] = [
      { do: "archive", archived: true, label: "BOLT-8 Bolt" },
      { do: "archive", archived: false, label: "BOLT-8 Bolt" },
      { do: "resolve", keep: "theirs" },
    ];
    expect(all.map((deed) => said(deed)[0])).toEqual([
      "archive BOLT-8 Bolt",
      "bring BOLT-8 Bolt back",
      "answer in the inbox: Take theirs",
    ]);
    expect(new Set(all.map((deed) => said(deed)[1])).size).toBe(3);
  });
  it("is never the name of an action of a newer version", () => {
    expect(said(null)[1]).toBe("eine Änderung, die diese Version nicht zeigen kann");
    const newer = { do: "teleport" } as unknown as Deed;
    expect(said(newer)).toEqual(said(null));
  });
});
