// Tells a keyboard-wedge scanner from a person typing: a burst of keys no more than 50 ms apart, at
// least four of them ended by Enter or Tab, or at least five ended by 60 ms of silence. Where nothing
// takes what is typed, two are enough if Enter or Tab ends them and no gap is longer than 30 ms. Gaps are those
// between the keys' own times, so a page that stalls joins what was typed meanwhile. It only classifies;
// what a focused field holds is put back by whoever listens. A held key repeats as fast as a scanner and
// is not one.

export const GAP_MS = 50;
export const SILENCE_MS = 60;
/** With a terminator; without one a person's quick hands are more easily mistaken. */
export const SHORTEST = 4;
export const SHORTEST_OPEN = 5;
/** Of a short code, ended, where no field has the focus: faster than hands roll over keys. */
export const SHORTEST_FREE = 2;
export const GAP_FREE_MS = 30;

/** `free`: there is no field that would take the key. */
export type Key = { key: string; at: number; repeat: boolean; modified: boolean; free?: boolean };
export type Verdict = "typing" | "burst" | "scan";

export class Wedge {
  #text = "";
  #last = Number.NEGATIVE_INFINITY;
  #widest = 0;
  #free = true;

  /** Characters gathered so far in the present burst. */
  get text(): string {
    return this.#text;
  }

  /** Takes one key. "scan" means this key ended one: read it with `take`. */
  press({ key, at, repeat, modified, free = false }: Key): Verdict {
    const gap = at - this.#last;
    const close = gap <= GAP_MS;
    if (modified || repeat) {
      this.drop();
      return "typing";
    }
    if (key === "Enter" || key === "Tab") {
      const quick = free && this.#free && Math.max(gap, this.#widest) <= GAP_FREE_MS;
      if (close && this.#text.length >= (quick ? SHORTEST_FREE : SHORTEST)) return "scan";
      this.drop();
      return "typing";
    }
    if (key === "Shift") return "typing";
    if (key.length !== 1) {
      this.drop();
      return "typing";
    }
    const first = !close || this.#text === "";
    this.#text = first ? key : this.#text + key;
    this.#last = at;
    this.#widest = first ? 0 : Math.max(this.#widest, gap);
    this.#free = free && (first || this.#free);
    return first ? "typing" : "burst";
  }

  /** True when the silence at `at` ends a scan that had no terminator. Ask only once waiting keys have come in. */
  silent(at: number): boolean {
    return at - this.#last >= SILENCE_MS && this.#text.length >= SHORTEST_OPEN;
  }

  take(): string {
    const text = this.#text;
    this.drop();
    return text;
  }

  drop(): void {
    this.#text = "";
    this.#last = Number.NEGATIVE_INFINITY;
  }
}
