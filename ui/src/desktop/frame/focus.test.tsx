// The keyboard is never left standing nowhere.
import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { openWindow, scan } from "../test/world";
import { T } from "../testids";

const focused = () => {
  const at = document.activeElement;
  return at?.getAttribute("data-testid") ?? at?.tagName;
};
const isAt = (place: string) => waitFor(() => expect(focused()).toBe(place));

/** An item opened from the list by keys alone. */
async function opened() {
  const { user, at } = await openWindow();
  await screen.findByText("SKU-0003");
  (await at(T.stock.list)).focus();
  await user.keyboard("{ArrowDown}{ArrowDown}{Enter}");
  await at(T.item.panel);
  return { user, at };
}

describe("the focus", () => {
  it("goes back to the list when an entry is left with Escape or its cross", async () => {
    const { user, at } = await opened();
    await user.keyboard("{F2}");
    await isAt(T.entry.qty);
    await user.keyboard("{Escape}");
    await isAt(T.stock.list);
    await user.keyboard("{F2}");
    await isAt(T.entry.qty);
    await user.click(await at(T.entry.close));
    await isAt(T.stock.list);
  });
  it("goes back to the button of the card an entry was opened with", async () => {
    const { user, at } = await opened();
    (await at(T.item.action("move"))).focus();
    await user.keyboard("{Enter}");
    await at(T.entry.panel);
    await user.keyboard("{Escape}");
    await isAt(T.item.action("move"));
  });
  it("goes back to the list when the card is closed from within", async () => {
    const { user, at } = await opened();
    (await at(T.item.close)).focus();
    await user.keyboard("{Enter}");
    await isAt(T.stock.list);
  });
  it("goes back to what opened a form that was given up", async () => {
    const { user, at } = await openWindow();
    (await at(T.stock.newItem)).focus();
    await user.keyboard("{Enter}");
    await isAt(T.newItem.sku);
    await user.keyboard("{Escape}");
    await isAt(T.stock.newItem);
  });
  it("goes to the list or the heading of the page a key leads to, even from a field", async () => {
    const { user, at } = await openWindow();
    await user.click(await at(T.search));
    for (const [key, place] of [
      ["2", T.locations.tree],
      ["3", "H1"],
      ["4", "H1"],
      ["5", "H1"],
      ["1", T.stock.list],
    ] as const) {
      await user.keyboard(`{Alt>}${key}{/Alt}`);
      await isAt(place);
    }
  });
  it("comes back into the open entry with its key", async () => {
    const { user } = await opened();
    await user.keyboard("{F2}");
    await isAt(T.entry.qty);
    await user.keyboard("{Alt>}1{/Alt}");
    await isAt(T.stock.list);
    await user.keyboard("{F2}");
    await isAt(T.entry.qty);
  });
  it("comes back when the sheet of keys is closed", async () => {
    const { user, at } = await openWindow();
    (await at(T.stock.list)).focus();
    await user.keyboard("?");
    await at(T.shortcuts);
    await user.keyboard("{Escape}");
    await isAt(T.stock.list);
  });
  it("goes to the tree when a new location is given up", async () => {
    const { user, at } = await openWindow();
    await at(T.stock.list);
    await user.keyboard("{Alt>}2{/Alt}");
    await isAt(T.locations.tree);
    await user.click(await at(T.locations.newLocation));
    await isAt(T.locations.newCode);
    await user.click(screen.getByText("Cancel"));
    await isAt(T.locations.tree);
  });
});

describe("the way around", () => {
  it("is called by its words and keys where only icons are to be seen", async () => {
    const { at } = await openWindow();
    expect((await at(T.nav.count)).title).toBe("Count (F2)");
    expect((await at(T.nav.count)).getAttribute("aria-label")).toBe("Count");
    expect((await at(T.nav.locations)).title).toBe("Locations (Alt 2)");
    await waitFor(async () => expect((await at(T.nav.inbox)).getAttribute("aria-label")).toBe("Inbox, 3 need you"));
  });
});

describe("a code of two or three characters", () => {
  it("is a scan where no field has the focus, and typing in one that has", async () => {
    const { user, at } = await openWindow();
    await screen.findByText("SKU-0003");
    scan("AKL");
    expect((await at(T.locations.contents)).dataset.code).toBe("AKL");
    await user.click(await at(T.search));
    scan("Q1");
    await new Promise((go) => setTimeout(go, 100));
    expect(screen.queryByText(/Unknown code/)).toBeNull();
  });
});
