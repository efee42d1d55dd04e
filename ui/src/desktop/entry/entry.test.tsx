// What an open entry does with scans that come faster than the screen, what it keeps, and how its
// result stands.
import { act, render, screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it } from "vitest";
import { DeskProvider, type Scanned, start, step, useDesk } from "../desk";
import { useQueue } from "../scan/use-queue";
import { fakeAudio } from "../test/audio";
import { openWindow, scan } from "../test/world";
import { T } from "../testids";

const audio = fakeAudio();
beforeEach(() => void audio.notes());

const field = (id: string) => screen.getByTestId(id) as HTMLInputElement;
const said = () => screen.getByTestId(T.said).textContent ?? "";

async function entering(key: string, sku = "SKU-0003") {
  const opened = await openWindow();
  await opened.user.click(await screen.findByText(sku));
  await opened.user.keyboard(key);
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
  return opened;
}

describe("scans in one burst", () => {
  it("are all counted, however many come before the screen is drawn", async () => {
    await entering("{F2}");
    for (let n = 0; n < 9; n++) scan("SKU-0003");
    await waitFor(() => expect(field(T.entry.qty).value).toBe("9"));
  });
  it("of other items are each refused by name, and the unsaved count stays", async () => {
    await entering("{F2}");
    for (const sku of ["SKU-0003", "SKU-0004", "SKU-0003", "SKU-0006", "SKU-0004", "SKU-0003"]) scan(sku);
    await waitFor(() => expect(field(T.entry.qty).value).toBe("3"));
    expect(said()).toBe("Record SKU-0003 first (Enter). Not taken: SKU-0004, SKU-0006.");
    scan("SKU-0009");
    await waitFor(() => expect(said()).toBe("Record SKU-0003 first (Enter). Not taken: SKU-0004, SKU-0006, SKU-0009."));
    expect(field(T.entry.item).value).toBe("SKU-0003");
    expect(field(T.entry.qty).value).toBe("3");
  });
  it("are taken in order: the item, its amount, then where it goes", async () => {
    const { user, at } = await openWindow();
    await screen.findByText("SKU-0003");
    await user.keyboard("{F4}");
    await at(T.entry.item);
    for (const code of ["A-01-1", "SKU-0003", "SKU-0003", "B-02-2"]) scan(code);
    await waitFor(() => expect(field(T.entry.to).value).toBe("B-02-2"));
    expect(field(T.entry.item).value).toBe("SKU-0003");
    expect(field(T.entry.location).value).toBe("A-01-1");
    expect(field(T.entry.qty).value).toBe("2");
  });
  it("wait while one is being recorded, and count for the next", async () => {
    const { user, backend } = await entering("{F2}");
    const call = backend.call.bind(backend);
    let answer = () => {};
    const answered = new Promise<void>((go) => {
      answer = go;
    });
    backend.call = (async (name: string, args: never) => {
      if (name === "stock.count") await answered;
      return call(name as never, args);
    }) as typeof backend.call;
    await user.keyboard("5{Enter}");
    scan("SKU-0003");
    scan("SKU-0003");
    await new Promise((go) => setTimeout(go, 50));
    expect(field(T.entry.qty).value).toBe("5");
    answer();
    await waitFor(() => expect(field(T.entry.qty).value).toBe("2"));
    expect(screen.getByTestId(T.entry.result).textContent).toContain("Counted 5");
  });
  it("do not write over what is typed and cannot be read", async () => {
    const { user } = await entering("{F2}");
    await user.paste("3 BO");
    scan("SKU-0003");
    await waitFor(() => expect(said()).toContain("“3 BO” is not a quantity."));
    expect(field(T.entry.qty).value).toBe("3 BO");
  });
  it("of another lot do not join the amount of the first", async () => {
    const { user, backend } = await openWindow();
    await user.click(await screen.findByText("SKU-0005"));
    await user.keyboard("{F3}");
    // The place is not known, so that is where the entry goes once it knows its item: after that, focus stays put.
    await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.location)));
    await user.click(field(T.entry.lot));
    await user.paste("22X");
    await user.click(field(T.entry.qty));
    await user.paste("5");
    const { rows } = await backend.call("items.list", { search: "SKU-0005", offset: 0, limit: 1 });
    const call = backend.call.bind(backend);
    backend.call = (async (name: string, args: never) =>
      name === "scan.resolve"
        ? { hit: "lot", item: rows[0]?.id, lot: "lot_4_9" }
        : call(name as never, args)) as typeof backend.call;
    scan("LOT-22Y");
    await waitFor(() => expect(said()).toBe("Record SKU-0005 22X first (Enter). Not taken: SKU-0005 LOT-22Y."));
    expect([field(T.entry.lot).value, field(T.entry.qty).value]).toEqual(["22X", "5"]);
  });
});

describe("a refused scan", () => {
  it("is heard and stays on screen until the amount is recorded", async () => {
    const { user, at } = await entering("{F2}");
    await user.paste("5");
    scan("SKU-0004");
    await waitFor(() => expect(said()).toBe("Record SKU-0003 first (Enter). Not taken: SKU-0004."));
    expect(audio.heard()).toEqual(["attention"]);
    await user.keyboard("{Enter}");
    expect((await at(T.entry.result)).textContent).toContain("Counted 5");
    await waitFor(() => expect(screen.queryByTestId(T.said)).toBeNull());
    scan("SKU-0004");
    await waitFor(() => expect(field(T.entry.item).value).toBe("SKU-0004"));
  });
});

describe("what was refused", () => {
  for (const [how, keys] of [
    ["the amount is taken back", "{Backspace}"],
    ["the entry is given up", "{Escape}"],
  ] as const)
    it(`is no longer said once ${how}`, async () => {
      const { user } = await entering("{F2}");
      await user.paste("5");
      scan("SKU-0004");
      await waitFor(() => expect(said()).toContain("Not taken: SKU-0004."));
      await user.keyboard(keys);
      await waitFor(() => expect(screen.queryByTestId(T.said)).toBeNull());
    });
});

describe("the desk", () => {
  const found = (label: string) => ({ item: { id: label, units: "1", lot: null }, label });
  it("keeps every scan in order until it is dealt with, one by one", () => {
    let desk = ["a", "b", "c"].reduce((now, label) => step(now, { do: "scanned", scanned: found(label) }), start);
    expect(desk.scans.map((scan) => scan.label)).toEqual(["a", "b", "c"]);
    desk = step(step(desk, { do: "handled", n: 1 }), { do: "handled", n: 1 });
    expect(desk.scans.map((scan) => scan.label)).toEqual(["b", "c"]);
    expect(desk.item).toBe("a");
  });
  it("hands over scans of one tick each on the screen that the one before has left", async () => {
    const seen: [string, string | null][] = [];
    function Probe() {
      const { desk, take } = useDesk();
      useQueue(true, (scan: Scanned) => {
        seen.push([scan.label, desk.item]);
      });
      return (
        <button
          type="button"
          onClick={() => {
            for (const label of ["a", "b", "c"]) take({ do: "scanned", scanned: found(label) });
          }}
        />
      );
    }
    render(<DeskProvider>{<Probe />}</DeskProvider>);
    await act(async () => screen.getByRole("button").click());
    expect(seen).toEqual([
      ["a", null],
      ["b", "a"],
      ["c", "b"],
    ]);
  });
});

describe("after a move was recorded", () => {
  it("item, source and target stay for the next, and the amount is asked for", async () => {
    const { user, at } = await entering("{F4}");
    const from = field(T.entry.location).value;
    expect(from).not.toBe("");
    await user.keyboard("2{Enter}");
    await waitFor(() => expect(document.activeElement).toBe(field(T.entry.to)));
    await user.paste("Q-01-1");
    await user.keyboard("{Enter}");
    await at(T.entry.result);
    await waitFor(() => expect(document.activeElement).toBe(field(T.entry.qty)));
    expect([T.entry.item, T.entry.location, T.entry.to, T.entry.qty].map((id) => field(id).value)).toEqual([
      "SKU-0003",
      from,
      "Q-01-1",
      "",
    ]);
    await user.keyboard("3{Enter}");
    await waitFor(() =>
      expect(screen.getByTestId(T.entry.result).textContent).toContain(`Moved 3\u00a0EA of SKU-0003 from ${from}`),
    );
  });
});

describe("the result under an entry", () => {
  const cut = async (user: Awaited<ReturnType<typeof openWindow>>["user"]) => {
    await user.click(await screen.findByTestId(T.status.menu));
    await user.click(await screen.findByTestId(T.status.cut));
  };
  for (const [what, qty] of [
    ["a count that differs", "7"],
    ["a count that the book agrees with", null],
  ] as const)
    it(`is settled once the server has ${what}, and not before`, async () => {
      const { user, at, backend } = await openWindow();
      await cut(user);
      await waitFor(() => expect(screen.getByTestId(T.status.connection).dataset.state).toBe("offline"));
      await user.click(await screen.findByText("SKU-0003"));
      await user.keyboard("{F2}");
      await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
      const { rows } = await backend.call("items.list", { search: "SKU-0003", offset: 0, limit: 1 });
      await user.keyboard(`${qty ?? rows[0]?.on_hand}{Enter}`);
      expect((await at(T.entry.result)).dataset.state).toBe("waiting");
      await waitFor(() => expect(screen.getByTestId(T.status.waiting).dataset.count).toBe("1"));
      expect(screen.getByTestId(T.entry.result).dataset.state).toBe("waiting");
      await cut(user);
      await waitFor(() => expect(screen.getByTestId(T.entry.result).dataset.state).toBe("settled"));
    });
});
