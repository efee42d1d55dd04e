// Telling a scanner from hands.
import { describe, expect, it } from "vitest";
import { type Verdict, Wedge } from "./wedge";

function press(
  wedge: Wedge,
  keys: string[],
  gap: number,
  more: { repeat?: boolean; free?: boolean } = {},
): Verdict | undefined {
  let at = 1000;
  let last: Verdict | undefined;
  for (const key of keys) {
    last = wedge.press({ key, at, repeat: more.repeat ?? false, modified: false, free: more.free ?? false });
    at += gap;
  }
  return last;
}

describe("the wedge", () => {
  it("takes a fast burst ended by Enter or Tab for a scan", () => {
    for (const end of ["Enter", "Tab"]) {
      const wedge = new Wedge();
      expect(press(wedge, [..."4006381", end], 12)).toBe("scan");
      expect(wedge.take()).toBe("4006381");
    }
  });
  it("takes silence for an end, too", () => {
    const wedge = new Wedge();
    press(wedge, [..."40063"], 50);
    expect(wedge.silent(1200 + 30)).toBe(false);
    expect(wedge.silent(1200 + 60)).toBe(true);
  });
  it("wants one more key of a scan without a terminator", () => {
    const wedge = new Wedge();
    press(wedge, [..."4006"], 10);
    expect(wedge.silent(5000)).toBe(false);
  });
  it("leaves hands alone", () => {
    expect(press(new Wedge(), [..."12345", "Enter"], 90)).toBe("typing");
    expect(press(new Wedge(), [..."123", "Enter"], 10)).toBe("typing");
  });
  it("takes two or three keys for a scan where nothing would take them, as fast as a machine's and ended", () => {
    for (const code of ["A1", "B07"]) {
      expect(press(new Wedge(), [...code, "Enter"], 12, { free: true })).toBe("scan");
      expect(press(new Wedge(), [...code, "Enter"], 40, { free: true })).toBe("typing");
      expect(press(new Wedge(), [...code, "Enter"], 12)).toBe("typing");
    }
    expect(press(new Wedge(), ["A", "Enter"], 12, { free: true })).toBe("typing");
    const wedge = new Wedge();
    press(wedge, [..."A1"], 12, { free: true });
    expect(wedge.silent(5000)).toBe(false);
  });
  it("does not mistake a held key for a scanner", () => {
    expect(press(new Wedge(), [..."00000000", "Enter"], 30, { repeat: true })).toBe("typing");
  });
  it("keeps the capitals a scanner makes with Shift", () => {
    const wedge = new Wedge();
    expect(press(wedge, ["Shift", "S", "K", "Shift", "U", "-", "7", "Enter"], 10)).toBe("scan");
    expect(wedge.take()).toBe("SKU-7");
  });
});
