// The window used as people use it, over the in-memory engine.
import { screen, waitFor, within } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { openWindow, scan } from "../test/world";
import { T } from "../testids";

const text = (id: string) => screen.getByTestId(id).textContent;

describe("the gate", () => {
  it("names a new device, offers a server once, and works without one", async () => {
    const { user, at } = await openWindow({ gate: "new", keyring: false, items: 0 });
    await user.type(await at(T.gate.name), "Packing desk 9");
    await user.type(await at(T.gate.passphrase), "correct horse");
    await user.type(await at(T.gate.passphraseAgain), "correct hors");
    await user.click(await at(T.gate.create));
    expect((await at(T.gate.fault)).textContent).toBe("The two are not the same.");
    await user.type(await at(T.gate.passphraseAgain), "e");
    await user.click(await at(T.gate.create));
    await user.click(await at(T.connect.later));
    expect((await at(T.status.connection)).dataset.state).toBe("never_connected");
    expect(await at(T.stock.empty)).toBeTruthy();
  });
  it("stays locked with the wrong passphrase", async () => {
    const { user, at } = await openWindow({ gate: "locked" });
    await user.type(await at(T.gate.passphrase), "wrong{Enter}");
    expect((await at(T.gate.fault)).textContent).toBe("That is not the passphrase.");
    await user.type(await at(T.gate.passphrase), "correct horse{Enter}");
    expect(await at(T.stock.list)).toBeTruthy();
  });
});

describe("recording", () => {
  it("receives by keyboard alone, says what was recorded, and undoes it", async () => {
    const { user, at } = await openWindow();
    await screen.findByText("SKU-0003");
    await user.keyboard("{F3}");
    await user.click(await at(T.entry.item));
    await user.paste("SKU-0003");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.paste("1 BOX + 2");
    expect(text(T.entry.echo)).toContain("14\u00a0EA");
    await user.keyboard("{Enter}");
    expect((await at(T.entry.result)).textContent).toContain("Received 14\u00a0EA of SKU-0003");
    await user.keyboard("{Control>}z{/Control}");
    await waitFor(() => expect(text(T.said)).toContain("Reversed: Received 14"));
  });
  it("takes a decimal comma in German", async () => {
    const { user, at, backend } = await openWindow({}, "de");
    await screen.findByText("SKU-0006");
    await user.keyboard("{F2}");
    await user.click(await at(T.entry.item));
    await user.paste("SKU-0006");
    await user.keyboard("{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.keyboard("1,5{Enter}");
    expect((await at(T.entry.result)).textContent).toContain("1,50\u00a0KGM");
    const { rows } = await backend.call("items.list", { search: "SKU-0006", offset: 0, limit: 1 });
    expect(rows[0]?.on_hand).toBe("1.5");
  });
  it("asks for a reason where one is needed, and goes there", async () => {
    const { user, at } = await openWindow();
    await user.click(await screen.findByText("SKU-0003"));
    await user.keyboard("{F7}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.keyboard("-2{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.reason)));
    await user.selectOptions(await at(T.entry.reason), "Damaged");
    await user.click(await at(T.entry.record));
    expect((await at(T.entry.result)).textContent).toContain("−2\u00a0EA");
  });
  it("does not undo a count", async () => {
    const { user, at } = await openWindow();
    await user.click(await screen.findByText("SKU-0003"));
    await user.keyboard("{F2}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.keyboard("5{Enter}");
    await at(T.entry.result);
    expect(screen.queryByTestId(T.entry.undo)).toBeNull();
    await user.keyboard("{Control>}z{/Control}");
    expect((await at(T.said)).textContent).toContain("Count again");
  });
});

describe("Escape", () => {
  it("closes a list of places first and then leaves the entry", async () => {
    const { user, at } = await openWindow();
    await user.click(await screen.findByText("SKU-0003"));
    await user.keyboard("{F2}");
    const place = await at(T.entry.location);
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.clear(place);
    await user.click(place);
    await waitFor(() => expect(document.querySelectorAll('[role="option"]').length).toBeGreaterThan(0));
    await user.keyboard("{Escape}");
    expect(screen.getByTestId(T.entry.panel)).toBeTruthy();
    await user.keyboard("{Escape}");
    await waitFor(() => expect(screen.queryByTestId(T.entry.panel)).toBeNull());
  });
});

describe("scanning", () => {
  it("opens the item with nothing focused", async () => {
    const { at } = await openWindow();
    await screen.findByText("SKU-0003");
    scan("SKU-0003");
    expect((await at(T.item.panel)).dataset.sku).toBe("SKU-0003");
  });
  it("counts up in the count panel and leaves nothing behind in the field", async () => {
    const { user, at } = await openWindow();
    await screen.findByText("SKU-0003");
    await user.keyboard("{F2}");
    await at(T.entry.item);
    scan("SKU-0003");
    const qty = (await at(T.entry.qty)) as HTMLInputElement;
    await waitFor(() => expect(qty.value).toBe("1"));
    await waitFor(() => expect((screen.getByTestId(T.entry.item) as HTMLInputElement).value).toBe("SKU-0003"));
    scan("SKU-0003");
    await waitFor(() => expect(qty.value).toBe("2"));
  });
  it("says so when nobody knows the code", async () => {
    const { at } = await openWindow();
    await screen.findByText("SKU-0003");
    scan("XYZ-999");
    expect((await at(T.said)).textContent).toContain("Unknown code XYZ-999");
  });
});

describe("the inbox", () => {
  it("shows before, mine and theirs, and keeps what is chosen", async () => {
    const { user, at, backend } = await openWindow();
    await user.click(await at(T.nav.inbox));
    const card = (await screen.findAllByTestId(T.inbox.card)).find((one) => one.dataset.kind === "conflict");
    if (!card) throw new Error("no conflict");
    expect(within(card).getByTestId(T.inbox.base).textContent).toBe("Bolt M8");
    expect(within(card).getByTestId(T.inbox.theirs).textContent).toBe("Bolt M8 zinc");
    await user.click(within(card).getByTestId(T.inbox.keep("theirs")));
    await waitFor(() => expect(screen.getAllByTestId(T.inbox.card)).toHaveLength(2));
    const { rows } = await backend.call("items.list", { search: "SKU-0007", offset: 0, limit: 1 });
    expect(rows[0]?.name).toBe("Bolt M8 zinc");
  });
  it("calls a renamed item by its SKU, shows it beside the question, and says when all is settled", async () => {
    const { user, at } = await openWindow();
    await user.click(await screen.findByText("SKU-0003"));
    await user.click(await at(T.nav.inbox));
    const title = await screen.findByRole("heading", { name: "You renamed SKU-0007" });
    const card = title.closest("article") as HTMLElement;
    expect(card.textContent).toContain("until you choose");
    await user.click(within(card).getByTestId(T.inbox.keep("mine")));
    await waitFor(() => expect(text(T.said)).toBe("Resolved: You renamed SKU-0007"));
    await waitFor(() => expect(screen.getByTestId(T.item.panel).dataset.sku).toBe("SKU-0007"));
    await user.click(await at(T.inbox.resolved));
    await waitFor(() => expect(screen.getAllByTestId(T.inbox.card)).toHaveLength(1));
    expect((await at(T.inbox.card)).textContent).toContain("Ana changed it too. This is settled.");
  });
});

describe("editing in place", () => {
  it("keeps a new name and refuses an empty SKU where it stands", async () => {
    const { user, at } = await openWindow();
    await user.click(await screen.findByText("SKU-0003"));
    await user.click(await at(T.item.name));
    await user.clear(await at(`${T.item.name}-input`));
    await user.type(await at(`${T.item.name}-input`), "Hex bolt M8x40 ZN{Enter}");
    await waitFor(() => expect(text(T.item.name)).toBe("Hex bolt M8x40 ZN"));
    await user.click(await at(T.item.sku));
    await user.clear(await at(`${T.item.sku}-input`));
    await user.keyboard("{Enter}");
    expect(await screen.findByText("“SKU” must not be empty.")).toBeTruthy();
  });
});

describe("the status bar", () => {
  it("pulls the network, counts what waits, and gives it back", async () => {
    const { user, at } = await openWindow();
    await user.click(await at(T.status.menu));
    await user.click(await at(T.status.cut));
    await waitFor(() => expect(screen.getByTestId(T.status.connection).dataset.state).toBe("offline"));
    await user.click(await screen.findByText("SKU-0003"));
    await user.keyboard("{F2}");
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
    await user.keyboard("7{Enter}");
    await waitFor(() => expect(screen.getByTestId(T.status.waiting).dataset.count).toBe("1"));
    await user.click(await at(T.status.menu));
    await user.click(await at(T.status.cut));
    await waitFor(() => expect(screen.getByTestId(T.status.waiting).dataset.count).toBe("0"));
  });
});

describe("screens without data", () => {
  it("say what went wrong and offer to try again", async () => {
    const { at } = await openWindow({ failing: ["items.list"] });
    expect((await at(T.stock.error)).textContent).toContain("Try again");
  });
});
