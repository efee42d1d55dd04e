// Cards about stock, in the person's language.
import { screen, waitFor, within } from "@testing-library/react";
import type { UserEvent } from "@testing-library/user-event";
import { describe, expect, it, vi } from "vitest";
import type { Backend } from "../../backend/backend";
import { openWindow } from "../test/world";
import { T } from "../testids";
import type { Language } from "../words/words";

async function cardOf(kind: string, field?: string, language: Language = "de", failing: string[] = []) {
  const { user, at, backend } = await openWindow({ everyCard: true, failing }, language);
  await user.click(await at(T.nav.inbox));
  const fits = ({ dataset }: HTMLElement) => dataset.kind === kind && (!field || dataset.field === field);
  const card = (await screen.findAllByTestId(T.inbox.card)).find(fits);
  if (!card) throw new Error(`no ${kind}`);
  return { backend, card, user, text: (id: string) => within(card).getByTestId(id).textContent };
}

describe("a card about stock below zero", () => {
  it("shows how much there is by the book, with its unit, and where", async () => {
    const { backend, card, text } = await cardOf("negative");
    const [cell] = (await backend.call("items.get", { id: "item_00000000000000000000000000000007" })).cells;
    await waitFor(() => expect(text(T.inbox.level)).toBe("−4\u00a0EA"));
    await waitFor(() => expect(card.textContent).toContain(`in ${cell?.location.code}, laut Buch`));
    expect(within(card).queryByTestId(T.inbox.mine)).toBeNull();
  });
});

const openCards = async (backend: Backend) => (await backend.call("inbox.list", { state: "open" })).map(({ id }) => id);
const value = (id: string) => (screen.getByTestId(id) as HTMLInputElement).value;

/** The count panel that a card's Recount opened. */
async function recounting(kind: string, failing: string[] = []) {
  const opened = await cardOf(kind, undefined, "de", failing);
  await opened.user.click(within(opened.card).getByTestId(T.inbox.keep("recount")));
  expect((await screen.findByTestId(T.entry.panel)).dataset.kind).toBe("count");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
  return { ...opened, call: vi.spyOn(opened.backend, "call") };
}

/** Pasted: keys without a pause are a scan here. */
async function countElsewhere(user: UserEvent, qty: string) {
  await user.clear(screen.getByTestId(T.entry.location));
  await user.paste("B-02-2");
  await user.click(screen.getByTestId(T.entry.qty));
  await user.paste(qty);
  await user.click(screen.getByTestId(T.entry.record));
}

describe("counting again", () => {
  it("opens the count of the item at its place and leaves the card open until it is recorded", async () => {
    const { backend, card, user, call } = await recounting("negative");
    const [cell] = (await backend.call("items.get", { id: "item_00000000000000000000000000000007" })).cells;
    await waitFor(() => expect(value(T.entry.item)).toBe("SKU-0007"));
    await waitFor(() => expect(value(T.entry.location)).toBe(cell?.location.code));
    await user.click(screen.getByTestId(T.entry.close));
    await waitFor(() => expect(screen.queryByTestId(T.entry.panel)).toBeNull());
    expect(call.mock.calls.filter(([name]) => name === "inbox.resolve")).toEqual([]);
    expect(within(card).getByTestId(T.inbox.keep("recount"))).toBeTruthy();
    expect(await openCards(backend)).toContain("inbox_2");
  });
  it("answers its card, and only that, after the count is recorded", async () => {
    const { backend, user, call } = await recounting("negative");
    const before = await openCards(backend);
    await user.keyboard("8{Enter}");
    await waitFor(() => expect(screen.getByTestId(T.entry.result).textContent).toContain("Karte im Posteingang ist"));
    const recorded = call.mock.calls.map(([name]) => name).filter((name) => /count$|resolve$/.test(name));
    expect(recorded).toEqual(["stock.count", "inbox.resolve"]);
    expect(call).toHaveBeenCalledWith("inbox.resolve", { id: "inbox_2", keep: "recount" });
    expect(await openCards(backend)).toEqual(before.filter((id) => id !== "inbox_2"));
    await user.keyboard("9{Enter}");
    await waitFor(() => expect(call.mock.calls.filter(([name]) => name === "stock.count")).toHaveLength(2));
    expect(call.mock.calls.filter(([name]) => name === "inbox.resolve")).toHaveLength(1);
  });
  it("leaves the card open when another place was counted", async () => {
    const { backend, user, call } = await recounting("negative");
    await countElsewhere(user, "8");
    await waitFor(() => expect(screen.getByTestId(T.entry.result).textContent).toContain("in B-02-2"));
    expect(call.mock.calls.filter(([name]) => name === "inbox.resolve")).toEqual([]);
    expect(await openCards(backend)).toContain("inbox_2");
  });
  it("says so when the count is recorded and the card is still open", async () => {
    const { user } = await recounting("negative", ["inbox.resolve"]);
    await user.keyboard("8{Enter}");
    await waitFor(() =>
      expect(screen.getByTestId(T.entry.fault).textContent).toContain("Karte im Posteingang ist noch"),
    );
    expect(screen.getByTestId(T.entry.result).textContent).toContain("8");
  });
  it("counts a serial number that is booked elsewhere wherever it is", async () => {
    const { backend, user, card } = await recounting("serial_elsewhere");
    expect(value(T.entry.serial)).toBe(card.dataset.label);
    await countElsewhere(user, "1");
    await waitFor(() => expect(screen.getByTestId(T.entry.result).textContent).toContain("Karte im Posteingang ist"));
    expect(await openCards(backend)).not.toContain("inbox_serial");
  });
});

describe("a card about a SKU or barcode that was taken", () => {
  it("names both items, what becomes of the stock, and what each button does", async () => {
    const { card, text } = await cardOf("sku_taken", undefined, "en");
    expect(text(T.inbox.title)).toBe("SKU SKU-0009 was already taken");
    expect(text(T.inbox.mine)).toBe("no SKU (Hex bolt M8x40, zinc plated)12\u00a0EA in stock");
    expect(text(T.inbox.theirs)).toMatch(/^SKU-0009 \(.+\)1,250\u00a0EA in stock$/);
    expect(card.textContent).toMatch(/12\u00a0EA of yours is booked over to SKU-0009; .+This cannot be undone/);
    expect(text(T.inbox.keep("theirs"))).toMatch(/^Join with SKU-0009 \(/);
    expect(text(T.inbox.keep("value"))).toBe("Keep mine apart under another SKU…");
  });
  it("does not suggest the SKU that was taken as the other one", async () => {
    const { card, user } = await cardOf("sku_taken");
    await user.click(within(card).getByTestId(T.inbox.keep("value")));
    expect((within(card).getByTestId(T.inbox.value) as HTMLInputElement).value).toBe("");
  });
  it("says whose barcode goes and where it stays", async () => {
    const { text } = await cardOf("barcode_taken", undefined, "en");
    expect(text(T.inbox.keep("theirs"))).toMatch(/^Remove my barcode, it stays with SKU-0009 \(/);
  });
});

describe("a card about two values", () => {
  it("says packs and rules in plain words and offers no typing for them", async () => {
    const { card, text } = await cardOf("conflict", "packs");
    expect(text(T.inbox.title)).toBe("Sie haben die Gebinde von SKU-0011 geändert");
    expect(text(T.inbox.mine)).toBe("BOX\u00a0=\u00a012\u00a0EA, PALLET\u00a0=\u00a04.800\u00a0EA");
    expect(within(card).queryByTestId(T.inbox.keep("value"))).toBeNull();
  });
  it("says a rule in words", async () => {
    const { text } = await cardOf("conflict", "negative", "en");
    expect(text(T.inbox.title)).toBe("You changed the below-zero rule of A-01-1");
    expect([T.inbox.base, T.inbox.mine, T.inbox.theirs].map(text)).toEqual([
      "allowed, with a notice",
      "refused",
      "allowed",
    ]);
  });
  it("takes a typed amount in the marks of the language", async () => {
    const { backend, card, user } = await cardOf("conflict", "reorder_point");
    const call = vi.spyOn(backend, "call");
    await user.click(within(card).getByTestId(T.inbox.keep("value")));
    const field = within(card).getByTestId(T.inbox.value) as HTMLInputElement;
    expect(field.value).toBe("1250,5");
    await user.clear(field);
    await user.paste("viel");
    await user.keyboard("{Enter}");
    expect(card.textContent).toContain("viel");
    await user.clear(field);
    await user.paste("12,75");
    await user.keyboard("{Enter}");
    const answer = { id: "inbox_point", keep: "value", value: "12.75" };
    await waitFor(() => expect(call).toHaveBeenCalledWith("inbox.resolve", answer));
  });
});

describe("a card about a close count", () => {
  it("says how much of what was counted where, and what moved it", async () => {
    const { card } = await cardOf("ambiguous_count", undefined, "en");
    const said = "You counted 12\u00a0EA in A-01-2; Ana issued 3\u00a0EA at about the same time.";
    expect(card.textContent).toContain(said);
  });
});

describe("a card about two close counts", () => {
  it("says what either of both counted, and that one's own is booked as the last", async () => {
    await cardOf("ambiguous_count", undefined, "en");
    const said = "You counted 9\u00a0EA in A-01-2; Ana counted 7\u00a0EA at about the same time.";
    const card = screen.getAllByTestId(T.inbox.card).find(({ textContent }) => textContent?.includes(said));
    expect(card?.textContent).toContain("was counted twice at once");
    expect(card?.textContent).toContain("It is booked as if your count came last.");
  });
});

describe("what is said in the inbox", () => {
  it("stands below the cards instead of over them", async () => {
    const { card, user } = await cardOf("rejected");
    await user.click(within(card).getByTestId(T.inbox.keep("discard")));
    const said = await screen.findByTestId(T.said);
    expect(screen.getByRole("main").contains(said)).toBe(true);
    expect(screen.getAllByTestId(T.inbox.card)[0]?.parentElement?.contains(said)).toBe(false);
    await user.click(screen.getByTestId(T.nav.stock));
    expect(screen.getByRole("main").contains(await screen.findByTestId(T.said))).toBe(false);
  });
});

describe("a card about what was not accepted", () => {
  it("says what was wanted and how much there was", async () => {
    const { text } = await cardOf("rejected");
    await waitFor(() => expect(text(T.inbox.mine)).toBe("40\u00a0EA von SKU-0009 aus A-01-3 entnehmen"));
    await waitFor(() => expect(text(T.inbox.level)).toBe("12\u00a0EA"));
  });
});
