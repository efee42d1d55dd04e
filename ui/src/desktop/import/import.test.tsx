// Bringing in a file: named or dropped, with the engine's headings or a person's.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { act, screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { fieldName } from "../explain";
import { openWindow } from "../test/world";
import { T } from "../testids";
import { wordsOf } from "../words/words";
import { chosenTwice, fieldsOf, kinds, mapOf, toldBy, wholeMapOf } from "./mapping";

async function importing() {
  const opened = await openWindow();
  const call = vi.spyOn(opened.backend, "call");
  await opened.user.click(await opened.at(T.nav.import));
  const asked = (name: string) => call.mock.calls.flatMap(([called, args]) => (called === name ? [args] : []));
  return { ...opened, asked };
}

describe("a file dropped on the window", () => {
  it("stands in the field and is checked", async () => {
    const { at, backend, asked } = await importing();
    act(() => backend.drop(["/home/ana/stock.csv"]));
    expect(await at(T.import.report)).toBeTruthy();
    expect(((await at(T.import.path)) as HTMLInputElement).value).toBe("/home/ana/stock.csv");
    expect(asked("import.preview")).toEqual([{ path: "/home/ana/stock.csv", kind: null, map: {} }]);
    expect(asked("import.run")).toEqual([]);
  });
  it("is the first one of several, which is said", async () => {
    const { at, backend, asked } = await importing();
    act(() => backend.drop(["/a.csv", "/b.csv"]));
    expect((await at(T.said)).textContent).toContain("only the first one");
    await at(T.import.report);
    expect(asked("import.preview")).toEqual([{ path: "/a.csv", kind: null, map: {} }]);
  });
  it("says so when it cannot be read", async () => {
    const { at, backend } = await importing();
    act(() => backend.drop(["/home/ana/photo.png"]));
    expect((await at(T.import.fault)).textContent).toBe("There is no such file.");
    expect(screen.queryByTestId(T.import.column("sku"))).toBeNull();
  });
  it("is left alone on every other page", async () => {
    const { user, at, backend, asked } = await importing();
    await user.click(await at(T.nav.stock));
    act(() => backend.drop(["/home/ana/stock.csv"]));
    expect(asked("import.preview")).toEqual([]);
  });
});

describe("a report", () => {
  it("goes when the file it is of is no longer the one that is named", async () => {
    const { user, at } = await importing();
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await at(T.import.run);
    await user.type(await at(T.import.path), "{Backspace}");
    expect(screen.queryByTestId(T.import.run)).toBeNull();
  });
});

describe("an answer", () => {
  it("is not shown for a file that is no longer the one that is named", async () => {
    const { user, at, backend } = await openWindow();
    await user.click(await at(T.nav.import));
    const call = backend.call;
    let answer = () => {};
    const answered = new Promise<void>((done) => {
      answer = done;
    });
    vi.spyOn(backend, "call").mockImplementation(async (name, args) => {
      if (name === "import.preview") await answered;
      return call(name, args);
    });
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await waitFor(() => expect(screen.getByTestId(T.import.preview).dataset.loading).toBe("true"));
    await user.type(await at(T.import.path), "x");
    answer();
    await waitFor(() => expect(screen.getByTestId(T.import.preview).dataset.loading).toBeUndefined());
    expect(screen.queryByTestId(T.import.report)).toBeNull();
  });
});

describe("the columns", () => {
  it("are asked for when the headings mean nothing, and are sent with the check and the import", async () => {
    const { user, at, asked } = await importing();
    await user.type(await at(T.import.path), "/foreign.csv{Enter}");
    expect((await at(T.import.fault)).textContent).toContain("The headings do not say what this file is.");
    await user.selectOptions(await at(T.import.kind), "items");
    await user.click(await at(T.import.column("sku")));
    await user.click(await screen.findByRole("option", { name: "Nr" }));
    await user.type(await at(T.import.column("name")), "Bez");
    await user.click(await at(T.import.preview));
    await user.click(await at(T.import.run));
    await at(T.import.done);
    const wanted = { path: "/foreign.csv", kind: "items", map: { Nr: "sku", Bez: "name" } };
    expect(asked("import.preview").slice(1)).toEqual([wanted]);
    expect(asked("import.run")).toEqual([{ ...wanted, map: { ...wanted.map, Stk: "", Extra: "" } }]);
  });
  it("open by hand after a check that went well, filled with what was found", async () => {
    const { user, at, asked } = await importing();
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await at(T.import.report);
    expect(screen.queryByTestId(T.import.column("sku"))).toBeNull();
    await user.click(await at(T.import.columns));
    expect(((await at(T.import.column("name"))) as HTMLInputElement).value).toBe("name");
    await user.clear(await at(T.import.column("name")));
    await user.type(await at(T.import.column("description")), "name{Enter}");
    const map = { sku: "sku", name: "description", barcode: "barcode" };
    await waitFor(() => expect(asked("import.preview").at(-1)).toEqual({ path: "/a.csv", kind: "items", map }));
  });
  it("open by themselves when one of them means nothing, and say which", async () => {
    const { user, at } = await importing();
    await user.type(await at(T.import.path), "/partly.csv{Enter}");
    const name = (await at(T.import.column("name"))) as HTMLInputElement;
    expect(name.value).toBe("name");
    expect(screen.getByText("Not used: Bezeichnung.")).toBeTruthy();
    await user.clear(name);
    expect(screen.getByText("Not used: Bezeichnung, name.")).toBeTruthy();
    await user.click(await at(T.import.columns));
    await user.click(await at(T.import.preview));
    await at(T.import.report);
    expect(screen.queryByTestId(T.import.column("name"))).toBeNull();
  });
  it("stay empty once a person emptied them", async () => {
    const { user, at, asked } = await importing();
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await at(T.import.report);
    await user.click(await at(T.import.columns));
    await user.clear(await at(T.import.column("barcode")));
    await user.click(await at(T.import.preview));
    await user.click(await at(T.import.run));
    await at(T.import.done);
    expect(asked("import.run")).toEqual([
      { path: "/a.csv", kind: "items", map: { sku: "sku", name: "name", barcode: "" } },
    ]);
  });
  it("are found anew for another kind of file", async () => {
    const { user, at, asked } = await importing();
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await at(T.import.report);
    await user.selectOptions(await at(T.import.kind), "locations");
    await user.click(await at(T.import.preview));
    await at(T.import.fault);
    expect(asked("import.preview").at(-1)).toEqual({ path: "/a.csv", kind: "locations", map: {} });
  });
  it("say which one the file does not have", async () => {
    const { user, at } = await importing();
    await user.type(await at(T.import.path), "/a.csv{Enter}");
    await at(T.import.report);
    await user.click(await at(T.import.columns));
    await user.type(await at(T.import.column("description")), "Langtext{Enter}");
    expect((await at(T.import.fault)).textContent).toBe("The file has no column “Langtext”.");
  });
  it("mean one field each", async () => {
    const { user, at, asked } = await importing();
    await user.selectOptions(await at(T.import.kind), "items");
    await user.type(await at(T.import.path), "/a.csv");
    await user.click(await at(T.import.columns));
    await user.type(await at(T.import.column("name")), "Nr.");
    await user.type(await at(T.import.column("sku")), "nr{Enter}");
    expect((await at(T.import.fault)).textContent).toContain("chosen for two fields");
    expect(asked("import.preview")).toEqual([]);
  });
});

describe("the mapping", () => {
  it("has the fields the engine has, each with a name in both languages", () => {
    const source = readFileSync(join(import.meta.dirname, "../../../../client/src/import/columns.rs"), "utf8");
    for (const kind of kinds) {
      const list = new RegExp(`const ${kind.toUpperCase()}: &\\[&str\\] =\\s*&\\[([^\\]]*)\\]`).exec(source)?.[1] ?? "";
      expect(fieldsOf[kind]).toEqual([...list.matchAll(/"(\w+)"/g)].map((match) => match[1]));
      for (const language of ["en", "de"] as const) {
        const words = wordsOf(language);
        const names = fieldsOf[kind].map((field) => fieldName(field, words));
        expect(names).not.toContain(words.t("field.other"));
      }
    }
  });
  it("takes what is told of the columns from the refusals that are about them, and from no other", () => {
    const details = { headings: ["Nr", "Stk"], kind: "stock", places: { qty: "Stk" } };
    const told = (code: string) => toldBy({ code, message: "", next: "", details });
    for (const code of ["FILE_KIND_UNKNOWN", "COLUMN_NOT_FOUND", "COLUMNS_MISSING"])
      expect(told(code)).toEqual(details);
    expect(told("BAD_INPUT")).toBeNull();
  });
  it("says of every heading what it means once all of them were shown", () => {
    const found = { headings: ["Nr", "Bez", "", "nr."], kind: "items" as const };
    expect(wholeMapOf("items", { sku: "Nr" }, found)).toEqual({ Nr: "sku", Bez: "" });
  });
  it("leaves out what is empty and what another kind of file would have", () => {
    expect(mapOf("items", { sku: " Nr ", name: "", qty: "Stk" })).toEqual({ Nr: "sku" });
    expect(mapOf(null, { sku: "Nr" })).toEqual({});
    expect(chosenTwice("items", { sku: "Nr", qty: "nr." })).toBeNull();
    expect(chosenTwice("stock", { sku: "Nr", qty: "nr." })).toBe("nr.");
  });
});
