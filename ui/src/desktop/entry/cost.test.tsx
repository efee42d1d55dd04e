// What a receipt cost, typed by people in their own language.
import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { openWindow } from "../test/world";
import { T } from "../testids";
import { type Language, wordsOf } from "../words/words";
import { readCost } from "./cost";
import { blank } from "./draft";

const value = (id: string) => (screen.getByTestId(id) as HTMLInputElement).value;

async function receiving(language: Language) {
  const opened = await openWindow({}, language);
  const call = vi.spyOn(opened.backend, "call");
  const sent = () => call.mock.calls.flatMap(([name, args]) => (name === "stock.receive" ? [args] : []));
  await opened.user.click(await screen.findByText("SKU-0003"));
  await opened.user.keyboard("{F3}");
  await opened.user.click(await opened.at(T.entry.location));
  await opened.user.clear(await opened.at(T.entry.location));
  await opened.user.paste("A-01-1");
  await opened.user.click(await opened.at(T.entry.qty));
  await opened.user.keyboard("12");
  return { ...opened, sent };
}

describe("the cost of a receipt", () => {
  it("is not in the way of who does not say it", async () => {
    const { user, at, sent } = await receiving("en");
    expect(screen.queryByTestId(T.entry.cost)).toBeNull();
    await user.keyboard("{Enter}");
    await at(T.entry.result);
    expect(sent()).toEqual([expect.objectContaining({ qty: "12", cost: null })]);
  });
  it("takes a decimal comma in German and is sent in cents of a euro, once", async () => {
    const { user, at, sent } = await receiving("de");
    await user.click(await at(T.entry.more));
    await user.type(await at(T.entry.currency), "eur");
    await user.type(await at(T.entry.cost), "1.234,5{Enter}");
    await at(T.entry.result);
    expect(sent()).toEqual([expect.objectContaining({ cost: { minor: "123450", currency: "EUR" } })]);
    expect(value(T.entry.cost)).toBe("");
  });
  it("says at the field what is wrong, even when it is folded away, and sends nothing", async () => {
    const { user, at, sent } = await receiving("de");
    localStorage.setItem("stillage.currency", "EUR");
    await user.click(await at(T.entry.more));
    await user.type(await at(T.entry.cost), "2.5");
    expect(screen.getByText("„2.5“ ist kein Betrag in EUR. Zum Beispiel 2,50.")).toBeTruthy();
    await user.click(await at(T.entry.more));
    await user.click(await at(T.entry.qty));
    await user.keyboard("{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.cost)));
    expect(sent()).toEqual([]);
  });
  it("goes by the digits of the currency, and remembers it", async () => {
    const { user, at, sent } = await receiving("en");
    await user.click(await at(T.entry.more));
    await user.type(await at(T.entry.cost), "120.5");
    await user.type(await at(T.entry.currency), "jp");
    expect(screen.getByText("Three letters, like EUR.")).toBeTruthy();
    await user.type(await at(T.entry.currency), "y{Enter}");
    expect(screen.getByText("“120.5” is not an amount of JPY. Write it like 3.")).toBeTruthy();
    await user.clear(await at(T.entry.cost));
    await user.type(await at(T.entry.cost), "120{Enter}");
    await at(T.entry.result);
    expect(sent()).toEqual([expect.objectContaining({ cost: { minor: "120", currency: "JPY" } })]);
    expect(localStorage.getItem("stillage.currency")).toBe("JPY");
  });
  it("asks for the currency where none was used yet, in any language", async () => {
    const { user, at, sent } = await receiving("en");
    await user.click(await at(T.entry.more));
    expect(value(T.entry.currency)).toBe("");
    expect(screen.queryByText(/Which currency/)).toBeNull();
    await user.type(await at(T.entry.cost), "2.5{Enter}");
    expect(screen.getByText("Which currency? Three letters, like EUR.")).toBeTruthy();
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.currency)));
    expect(sent()).toEqual([]);
    await user.keyboard("chf{Enter}");
    await at(T.entry.result);
    expect(sent()).toEqual([expect.objectContaining({ cost: { minor: "250", currency: "CHF" } })]);
  });
  it("is kept by the engine's digits, whatever the browser finds usual to show", () => {
    const cost = (cost: string, currency: string) =>
      readCost({ draft: { ...blank, cost, currency }, words: wordsOf("en") });
    expect(cost("250", "HUF")).toEqual({ minor: "25000", currency: "HUF" });
    expect(cost("1.234", "IQD")).toEqual({ minor: "1234", currency: "IQD" });
  });
});
