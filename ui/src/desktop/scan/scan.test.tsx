// A scanner types while the page does other things.
import { screen, waitFor } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { gtin } from "../../backend/fake/world";
import { openWindow } from "../test/world";
import { T } from "../testids";

/** One key as a browser has it: told when it was pressed, then written at the caret. */
function key(key: string, at: number): void {
  const target = (document.activeElement ?? document.body) as HTMLElement;
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
  Object.defineProperty(event, "timeStamp", { value: at });
  if (!target.dispatchEvent(event) || key.length > 1 || !(target instanceof HTMLInputElement)) return;
  const start = target.selectionStart ?? target.value.length;
  const text = target.value.slice(0, start) + key + target.value.slice(target.selectionEnd ?? start);
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(target, text);
  target.setSelectionRange(start + 1, start + 1);
  target.dispatchEvent(new Event("input", { bubbles: true }));
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

/** The page stalls after `first` keys: a timer of 60 ms is due before the keys that have come meanwhile. */
function stalled(keys: string[], first: number, ms: number): Promise<void> {
  const begun = performance.now();
  keys.slice(0, first).forEach((one, n) => {
    key(one, begun + n * 10);
  });
  return new Promise((done) => {
    setTimeout(() => {
      keys.slice(first).forEach((one, n) => {
        key(one, begun + (first + n) * 10);
      });
      done();
    }, ms - 20);
    block(ms);
  });
}

async function counting(sku = "SKU-0003") {
  const opened = await openWindow();
  await opened.user.click(await screen.findByText(sku));
  await opened.user.keyboard("{F2}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
  return { ...opened, qty: screen.getByTestId(T.entry.qty) as HTMLInputElement };
}

describe("a scan while the page stalls", () => {
  for (const [ms, first] of [
    [120, 6],
    [90, 1],
    [400, 10],
  ] as const)
    it(`stays one scan through ${ms} ms after ${first} keys`, async () => {
      const { qty } = await counting();
      await stalled([...gtin(3), "Enter"], first, ms);
      await waitFor(() => expect(qty.value).toBe("1"));
      expect(screen.queryByText(/Unknown code/)).toBeNull();
    });
  it("is one scan without a terminator, too", async () => {
    const { qty } = await counting();
    await stalled([...gtin(3)], 6, 120);
    await waitFor(() => expect(qty.value).toBe("1"));
    expect(screen.queryByText(/Unknown code/)).toBeNull();
  });
});

describe("a code nobody knows", () => {
  it("goes back beside what was typed since", async () => {
    const { qty, backend } = await counting();
    const call = backend.call.bind(backend);
    let answer = () => {};
    backend.call = (async (name: string, args: never) => {
      if (name === "scan.resolve")
        await new Promise<void>((go) => {
          answer = go;
        });
      return call(name as never, args);
    }) as typeof backend.call;
    const at = performance.now();
    [..."77123", "Enter"].forEach((one, n) => {
      key(one, at + n);
    });
    await waitFor(() => expect(qty.value).toBe(""));
    key("5", at + 500);
    await new Promise((go) => setTimeout(go, 5));
    answer();
    await screen.findByText("Unknown code 77123");
    expect(qty.value).toBe("577123");
  });
});

describe("a barcode for a quantity", () => {
  it("is refused at the field, unless it is written as a number", async () => {
    const { user, qty, at } = await counting();
    await user.click(qty);
    await user.paste("4006381333931");
    await user.keyboard("{Enter}");
    expect(screen.getByText(/That looks like a barcode/)).toBeTruthy();
    expect(screen.queryByTestId(T.entry.result)).toBeNull();
    await user.clear(qty);
    await user.paste("4,006,381,333,931");
    expect(screen.queryByText(/That looks like a barcode/)).toBeNull();
    await user.keyboard("{Enter}");
    expect((await at(T.entry.result)).textContent).toContain("4,006,381,333,931");
  });
  it("is none when the check digit is wrong", async () => {
    const { user, qty } = await counting();
    await user.click(qty);
    await user.paste("4006381333932");
    expect(screen.queryByText(/That looks like a barcode/)).toBeNull();
  });
});
