// Which sound is heard when, and that they can be told apart, made quieter and turned off.
import { screen, waitFor } from "@testing-library/react";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { Options } from "../../backend/fake/world";
import { fakeAudio } from "../test/audio";
import { openWindow, scan } from "../test/world";
import { T } from "../testids";
import { keepLoudness, loudness, play, sounds } from "./sound";

const audio = fakeAudio();
beforeEach(() => void audio.notes());

async function open(options: Partial<Options> = {}) {
  const opened = await openWindow(options);
  await screen.findByText("SKU-0003");
  return opened;
}

async function counting(options: Partial<Options> = {}) {
  const opened = await open(options);
  await opened.user.click(await screen.findByText("SKU-0003"));
  await opened.user.keyboard("{F2}");
  await waitFor(() => expect(document.activeElement).toBe(screen.getByTestId(T.entry.qty)));
  return opened;
}

describe("the three sounds", () => {
  it("differ in pitch, shape and number", () => {
    const made = sounds.map((sound) => {
      play(sound);
      const notes = audio.notes();
      return `${notes.length} ${notes[0]?.shape} ${notes[0]?.hz}`;
    });
    expect(made).toEqual(["1 sine 1047", "2 triangle 659", "1 square 165"]);
  });
  it("follow the volume, and are silent when they are off", () => {
    play("ok");
    const [usual] = audio.notes();
    keepLoudness({ on: true, volume: 30 });
    play("ok");
    expect(audio.notes()[0]?.loudest).toBeCloseTo((usual?.loudest ?? 0) / 2);
    keepLoudness({ on: false, volume: 30 });
    play("ok");
    expect(audio.notes()).toEqual([]);
  });
  it("are on when what was kept cannot be read", () => {
    for (const kept of ["{", "[]", "null", '{"on":1}', '{"volume":700}']) {
      localStorage.setItem("stillage.sound", kept);
      expect(loudness(), kept).toEqual({ on: true, volume: 60 });
    }
  });
  it("never get in the way of the work", async () => {
    const { user, at } = await counting();
    vi.spyOn(AudioContext.prototype, "createOscillator").mockImplementation(() => {
      throw new Error("no device");
    });
    await user.keyboard("5{Enter}");
    expect((await at(T.entry.result)).textContent).toContain("Counted 5");
    vi.restoreAllMocks();
  });
});

describe("what is heard", () => {
  it("is ok once something is recorded, and not before the engine has answered", async () => {
    const { user, at, backend } = await counting();
    const call = backend.call;
    let answer = () => {};
    const answered = new Promise<void>((done) => {
      answer = done;
    });
    vi.spyOn(backend, "call").mockImplementation(async (name, args) => {
      if (name === "stock.count") await answered;
      return call(name, args);
    });
    await user.keyboard("5{Enter}");
    await waitFor(() => expect(backend.call).toHaveBeenCalledWith("stock.count", expect.anything()));
    expect(audio.heard()).toEqual([]);
    answer();
    await at(T.entry.result);
    expect(audio.heard()).toEqual(["ok"]);
  });
  it("is an error when an act is refused", async () => {
    const { user, at } = await counting({ failing: ["stock.count"] });
    await user.keyboard("5{Enter}");
    await at(T.entry.fault);
    expect(audio.heard()).toEqual(["error"]);
  });
  it("is an error for a code nobody knows, and for a misread one", async () => {
    const { at } = await open();
    scan("XYZ-999");
    expect((await at(T.said)).textContent).toContain("Unknown code XYZ-999");
    expect(audio.heard()).toEqual(["error"]);
    scan("4006381333932");
    await waitFor(() => expect(screen.getByTestId(T.said).textContent).toContain("Misread"));
    expect(audio.heard()).toEqual(["error"]);
  });
  it("asks for attention when a scan opens what is open already, and not the first time", async () => {
    const { at } = await open();
    scan("SKU-0003");
    await at(T.item.panel);
    expect(audio.heard()).toEqual([]);
    scan("SKU-0003");
    await waitFor(() => expect(screen.getByTestId(T.said).textContent).toContain("SKU-0003 is open already."));
    expect(audio.heard()).toEqual(["attention"]);
  });
  it("asks for attention when another item is scanned over an amount that is not recorded", async () => {
    const { user } = await counting();
    await user.paste("5");
    scan("SKU-0004");
    await waitFor(() => expect(screen.getByTestId(T.said).textContent).toContain("Record SKU-0003 first"));
    expect(audio.heard()).toEqual(["attention"]);
  });
  it("asks for attention when a scanned location cannot hold stock", async () => {
    const { backend } = await counting();
    await backend.call("locations.save", { fields: { code: "SITE-9" } });
    scan("SITE-9");
    await waitFor(() => expect(screen.getByTestId(T.said).textContent).toContain("Stock cannot be kept there"));
    expect(audio.heard()).toEqual(["attention"]);
  });
  it("is chosen in the settings, which let it be tried", async () => {
    const { user, at } = await open();
    await user.click(await at(T.nav.settings));
    await user.click(await at(T.settings.soundTry("attention")));
    expect(audio.heard()).toEqual(["attention"]);
    await user.click(await at(T.settings.sound));
    expect(loudness().on).toBe(false);
    await user.click(await at(T.settings.sound));
    (await screen.findByRole("slider", { name: "Volume" })).focus();
    await user.keyboard("{ArrowRight}");
    expect(loudness()).toEqual({ on: true, volume: 70 });
    expect(audio.heard()).toContain("ok");
  });
});
