// Listens to the whole window for a wedge scanner. While the keys of a burst come in, a focused field
// takes them like any typing; once the burst turns out to be a scan, the field gets back what it held.
// Scans are resolved one after the other, in the order they were made. A field marked data-scan="off"
// is for free text: there a scanner types like a keyboard.
import { useEffect, useRef } from "react";
import { SILENCE_MS, Wedge } from "../../kit/wedge";

type Field = HTMLInputElement | HTMLTextAreaElement;
type Held = { field: Field; value: string; start: number | null; end: number | null };
/** Puts what was typed into the field after all: it was no scan. */
export type PutBack = () => void;

const wedge = new Wedge();

/** True while keys come in as fast as a scanner's: single-key shortcuts must wait. */
export const inBurst = () => wedge.text.length > 1;

function fieldOf(target: EventTarget | null): Field | null {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : null;
}

/** Sets a field as if it had been typed, so that its owner hears of it. */
export function write(field: Field, value: string): void {
  const owner = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
  Object.getOwnPropertyDescriptor(owner, "value")?.set?.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
}

function hold(field: Field | null): Held | null {
  return field ? { field, value: field.value, start: field.selectionStart, end: field.selectionEnd } : null;
}

function restore(held: Held | null): PutBack {
  if (!held) return () => {};
  const typed = held.field.value;
  write(held.field, held.value);
  held.field.setSelectionRange(held.start, held.end);
  return () => write(held.field, typed);
}

export function useScanner(onScan: (code: string, putBack: PutBack) => Promise<void>): void {
  const latest = useRef(onScan);
  latest.current = onScan;
  useEffect(() => {
    let held: Held | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let queue = Promise.resolve();
    const done = () => {
      clearTimeout(timer);
      const code = wedge.take();
      const putBack = restore(held);
      queue = queue.then(() => latest.current(code, putBack));
    };
    const onKey = (event: KeyboardEvent) => {
      const field = fieldOf(event.target);
      if (field?.dataset.scan === "off" || event.isComposing) return wedge.drop();
      const modified = event.ctrlKey || event.altKey || event.metaKey;
      const verdict = wedge.press({ key: event.key, at: event.timeStamp, repeat: event.repeat, modified });
      if (wedge.text.length === 1) held = hold(field);
      clearTimeout(timer);
      if (verdict === "scan") {
        event.preventDefault();
        event.stopImmediatePropagation();
        done();
      } else if (wedge.text.length > 0) {
        timer = setTimeout(() => wedge.silent(event.timeStamp + SILENCE_MS) && done(), SILENCE_MS);
      }
    };
    window.addEventListener("keydown", onKey, true);
    return () => {
      clearTimeout(timer);
      window.removeEventListener("keydown", onKey, true);
    };
  }, []);
}
