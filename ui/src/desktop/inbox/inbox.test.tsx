// Cards about stock, in the person's language.
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it, vi } from "vitest";
import { openWindow } from "../test/world";
import { T } from "../testids";

async function cardOf(kind: string) {
  const { user, at, backend } = await openWindow({}, "de");
  await user.click(await at(T.nav.inbox));
  const card = (await screen.findAllByTestId(T.inbox.card)).find((one) => one.dataset.kind === kind);
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

describe("counting again", () => {
  it("opens the count of the item at its place and leaves the card open", async () => {
    const { backend, card, user } = await cardOf("negative");
    const call = vi.spyOn(backend, "call");
    const [cell] = (await backend.call("items.get", { id: "item_00000000000000000000000000000007" })).cells;
    await user.click(within(card).getByTestId(T.inbox.keep("recount")));
    expect((await screen.findByTestId(T.entry.panel)).dataset.kind).toBe("count");
    const value = (id: string) => (screen.getByTestId(id) as HTMLInputElement).value;
    await waitFor(() => expect(value(T.entry.item)).toBe("SKU-0007"));
    await waitFor(() => expect(value(T.entry.location)).toBe(cell?.location.code));
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    expect(call.mock.calls.filter(([name]) => name === "inbox.resolve")).toEqual([]);
    expect(within(card).getByTestId(T.inbox.keep("recount"))).toBeTruthy();
    const again = (await backend.call("inbox.list", { state: "open" })) as { id: string }[];
    expect(again.map(({ id }) => id)).toContain("inbox_2");
  });
});

describe("a card about what was not accepted", () => {
  it("says what was wanted and how much there was", async () => {
    const { text } = await cardOf("rejected");
    await waitFor(() => expect(text(T.inbox.mine)).toBe("40\u00a0EA von SKU-0009 aus A-01-3 entnehmen"));
    await waitFor(() => expect(text(T.inbox.level)).toBe("12\u00a0EA"));
  });
});
