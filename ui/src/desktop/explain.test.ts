// Every code the rules and the engine have is explained. The lists are read from their sources, so a
// code that is added there fails here until it has words.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { explain } from "./explain";
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

describe("explain", () => {
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
