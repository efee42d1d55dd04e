// Listens to the whole window for a wedge scanner. While the keys of a burst come in, a focused field
// takes them like any typing; once the burst turns out to be a scan, they are taken out of it again.
// Scans are resolved one after the other, in the order they were made. A field marked data-scan="off"
// is for free text: there a scanner types like a keyboard.
import { useEffect, useRef } from "react";
import { SILENCE_MS, Wedge } from "../../kit/wedge";
import { fieldOf, type PutBack, Typed } from "./typed";

export type { PutBack };

/** How long keys that wait behind a stalled page get to come in before silence is believed. */
const DRAIN_MS = 20;
/** A timer this late was held up, and so were keys. */
const LATE_MS = 10;
/** A page that is always late, as in the background, still ends its scans. */
const PATIENCE = 4;

const wedge = new Wedge();

/** True while keys come in as fast as a scanner's: single-key shortcuts must wait. */
export const inBurst = () => wedge.text.length > 1;

/** Calls back once there was silence and nothing held up the keys that would have broken it. */
class Silence {
  #timer: ReturnType<typeof setTimeout> | undefined;

  await(then: () => void): void {
    this.broken();
    this.#timer = setTimeout(() => this.#drain(then, PATIENCE), SILENCE_MS);
  }

  broken(): void {
    clearTimeout(this.#timer);
  }

  #drain(then: () => void, patience: number): void {
    const due = performance.now() + DRAIN_MS;
    this.#timer = setTimeout(() => {
      const late = performance.now() - due > LATE_MS;
      if (late && patience > 0) this.#drain(then, patience - 1);
      else then();
    }, DRAIN_MS);
  }
}

/** True where typing does nothing: neither a field nor a list that goes by first letters. */
function isFree(target: EventTarget | null): boolean {
  return !(target instanceof HTMLElement) || !target.matches("input, textarea, select, [contenteditable=true]");
}

export function useScanner(onScan: (code: string, putBack: PutBack) => Promise<void>): void {
  const latest = useRef(onScan);
  latest.current = onScan;
  useEffect(() => {
    const typed = new Typed();
    const silence = new Silence();
    let queue = Promise.resolve();
    const done = () => {
      silence.broken();
      const code = wedge.take();
      const putBack = typed.takeOut();
      queue = queue.then(() => latest.current(code, putBack));
    };
    const onKey = (event: KeyboardEvent) => {
      const field = fieldOf(event.target);
      if (field?.dataset.scan === "off" || event.isComposing) return wedge.drop();
      const modified = event.ctrlKey || event.altKey || event.metaKey;
      const free = isFree(event.target);
      const verdict = wedge.press({ key: event.key, at: event.timeStamp, repeat: event.repeat, modified, free });
      if (wedge.text.length === 1 && verdict === "typing" && event.key.length === 1) typed.begin();
      if (wedge.text !== "" && event.key.length === 1) typed.key(field, event.key);
      silence.broken();
      if (verdict === "scan") {
        event.preventDefault();
        event.stopImmediatePropagation();
        done();
      } else if (wedge.text !== "") {
        silence.await(() => wedge.silent(performance.now()) && done());
      }
    };
    window.addEventListener("keydown", onKey, true);
    return () => {
      silence.broken();
      window.removeEventListener("keydown", onKey, true);
    };
  }, []);
}
