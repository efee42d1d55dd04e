// Every code the rules and the engine have is explained. The lists are read from their sources, so a
// code that is added there fails here until it has words.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { explain, explainRow } from "./explain";
import { wordsOf } from "./words/words";

const repository = join(import.meta.dirname, "../../..");
const read = (path: string) => readFileSync(join(repository, path), "utf8");

function rejections(): string[] {
  const body = /pub enum Rejection \{([\s\S]*?)\n\}/.exec(read("core/src/rejection.rs"))?.[1] ?? "";
  const names = [...body.matchAll(/^ {4}([A-Z]\w+)/gm)].map((match) => match[1] ?? "");
  return names.map((name) => name.replace(/(?<=[a-z0-9])(?=[A-Z])/g, "_").toUpperCase());
}

function engineCodes(): string[] {
  return [...read("client/src/failure.rs").matchAll(/= "([A-Z_]+)", \d+;/g)].map((match) => match[1] ?? "");
}

/** What an import complains of: the codes in its calls, and the problems a field can have. */
function rowCodes(): string[] {
  const folder = "client/src/import";
  const source = readdirSync(join(repository, folder)).map((name) => read(`${folder}/${name}`));
  const said = [...source.join("\n").matchAll(/complain\(\s*[\w"]+,\s*"([A-Z_]+)"/g)].map((match) => match[1] ?? "");
  const body = /pub enum FieldProblem \{([\s\S]*?)\n\}/.exec(read("core/src/rejection.rs"))?.[1] ?? "";
  const problems = [...body.matchAll(/^ {4}([A-Z]\w+)/gm)].map((match) => match[1] ?? "");
  return [...new Set([...said, ...problems.map((name) => name.replace(/(?<=\w)(?=[A-Z])/g, "_").toUpperCase())])];
}

describe("explain", () => {
  it("knows every code of a bad row, in every language", () => {
    const codes = rowCodes();
    expect(codes).toEqual(expect.arrayContaining(["DUPLICATE", "MANGLED_BARCODE", "NOT_A_QUANTITY"]));
    expect(codes.length).toBeGreaterThan(20);
    for (const language of ["en", "de"] as const) {
      const words = wordsOf(language);
      const said = (code: string) => explainRow({ row: 1, column: "qty", value: "x", code, reason: "~" }, words);
      expect(codes.filter((code) => said(code).includes("~") || said(code).includes("{"))).toEqual([]);
    }
  });
  it("knows every code in every language", () => {
    const codes = [...rejections(), ...engineCodes()];
    expect(codes.length).toBeGreaterThan(40);
    for (const language of ["en", "de"] as const) {
      const words = wordsOf(language);
      const unknown = codes.filter(
        (code) =>
          explain({ code, message: "~", next: "", details: {} }, words) === words.t("fail.unknown", { message: "~" }),
      );
      expect(unknown).toEqual([]);
    }
  });
  it("says which field, and falls back to the engine's sentence for a code from the future", () => {
    const words = wordsOf("en");
    expect(
      explain({ code: "FIELD", message: "", next: "", details: { field: "sku", problem: "missing" } }, words),
    ).toBe("“SKU” must not be empty.");
    expect(explain({ code: "NEWER", message: "Because.", next: "", details: {} }, words)).toContain("Because.");
  });
});
