// Long numbers have room or say themselves whole on pointing at them.

import { readFileSync } from "node:fs";
import { render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { Figure } from "./figure";

describe("a figure", () => {
  it("is set smaller when it is long, and is told whole", () => {
    render(<Figure value="400,638,133,393" unit="EA" testid="long" />);
    expect(screen.getByTestId("long").dataset.length).toBe("longest");
    expect(screen.getByTestId("long").title).toBe("400,638,133,393 EA");
  });
  it("is left alone when it is short", () => {
    render(<Figure value="12,500" testid="short" />);
    expect(screen.getByTestId("short").dataset.length).toBeUndefined();
    expect(screen.getByTestId("short").title).toBe("");
  });
  it("ends in an ellipsis in the stock list rather than over its neighbour", () => {
    const style = readFileSync("src/desktop/stock/stock.module.css", "utf8");
    expect(/^\.row > \.num > [^{]*\{[^}]*\}/m.exec(style)?.[0]).toMatch(/overflow: hidden;[^}]*ellipsis/);
  });
  it("has no number on the item card that may break", () => {
    const style = readFileSync("src/desktop/item/item.module.css", "utf8");
    expect(/^\.big \{[^}]*\}/m.exec(style)?.[0]).not.toContain("anywhere");
    expect(/^\.big > span \{[^}]*\}/m.exec(style)?.[0]).toContain("nowrap");
  });
});
