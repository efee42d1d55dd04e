// The catalogue is whole, in every language, and no word on screen is outside it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { de } from "./de";
import { en } from "./en";
import { wordsOf } from "./words";

const holes = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort();
const forms = (entry: string | { one: string; other: string }) =>
  typeof entry === "string" ? [entry] : [entry.one, entry.other];

describe("the catalogue", () => {
  it("has every English key in German, with the same holes", () => {
    expect(Object.keys(de).sort()).toEqual(Object.keys(en).sort());
    for (const key of Object.keys(en) as (keyof typeof en)[]) {
      const wanted = new Set(forms(en[key]).flatMap(holes));
      expect(new Set(forms(de[key]).flatMap(holes)), key).toEqual(wanted);
    }
  });
  it("chooses plurals and marks by language", () => {
    expect(wordsOf("en").t("stock.total", { n: 1 })).toBe("1 item");
    expect(wordsOf("en").t("stock.total", { n: 12345 })).toBe("12,345 items");
    expect(wordsOf("de").number("1234.5", 2)).toBe("1.234,50");
    expect(wordsOf("de").number("123456789012.123456")).toBe("123.456.789.012,123456");
  });
});

const root = join(import.meta.dirname, "../..");
const SEEN = new Set([
  "aria-label",
  "aria-description",
  "aria-placeholder",
  "aria-roledescription",
  "placeholder",
  "title",
  "label",
  "description",
  "alt",
  "text",
  "empty",
  "error",
]);
/** Signs that are the same in every language, and keys as they are printed on a keyboard. */
const SIGN = /^[\s\p{P}\p{S}\p{N}]*$/u;
const KEY = /^↵$/;

/** Operators whose right side can end up on screen; what is only compared cannot. */
const SHOWS_RIGHT = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.PlusToken,
]);

function sources(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".tsx") && !name.includes("test"))
    .map((name) => join(folder, name));
}

function literals(node: ts.Node, found: string[]): void {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.push(node.text);
  else if (ts.isConditionalExpression(node)) {
    literals(node.whenTrue, found);
    literals(node.whenFalse, found);
  } else if (ts.isBinaryExpression(node) && SHOWS_RIGHT.has(node.operatorToken.kind)) {
    if (node.operatorToken.kind !== ts.SyntaxKind.AmpersandAmpersandToken) literals(node.left, found);
    literals(node.right, found);
  } else if (ts.isTemplateExpression(node)) {
    found.push(node.head.text, ...node.templateSpans.map((span) => span.literal.text));
  } else if (ts.isJsxExpression(node) && node.expression) literals(node.expression, found);
  else if (ts.isParenthesizedExpression(node)) literals(node.expression, found);
}

/** Text that a person would see and that does not come from the catalogue. */
function escaped(path: string, source: string): string[] {
  const file = ts.createSourceFile(path, source, ts.ScriptTarget.Latest, true, ts.ScriptKind.TSX);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const texts: string[] = [];
    if (ts.isJsxText(node)) texts.push(node.text);
    else if (ts.isJsxAttribute(node) && SEEN.has(node.name.getText()) && node.initializer)
      literals(node.initializer, texts);
    else if (
      ts.isJsxExpression(node) &&
      node.expression &&
      (ts.isJsxElement(node.parent) || ts.isJsxFragment(node.parent))
    )
      literals(node.expression, texts);
    for (const text of texts) if (!SIGN.test(text) && !KEY.test(text.trim())) found.push(`${path}: ${text.trim()}`);
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

describe("words on screen", () => {
  it("all come from the catalogue", () => {
    const files = [...sources(join(root, "desktop")), ...sources(join(root, "kit"))];
    expect(files.length).toBeGreaterThan(25);
    expect(files.flatMap((path) => escaped(path, readFileSync(path, "utf8")))).toEqual([]);
  });
  it("would be caught outside it", () => {
    const bad = 'const a = <p title={x ? "Shown" : t("k")}>Hello {n > 1 ? "many" : ""}<b aria-label="Close">×</b></p>;';
    expect(escaped("x.tsx", bad).map((line) => line.slice(7))).toEqual(["Shown", "Hello", "many", "Close"]);
  });
});
