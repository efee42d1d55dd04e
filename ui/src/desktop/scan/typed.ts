// What a scan leaves in fields while it comes in, taken out again once it turns out to be one.

export type Field = HTMLInputElement | HTMLTextAreaElement;
/** Puts what was typed into the field after all: it was no scan. */
export type PutBack = () => void;

type Held = { field: Field; value: string; start: number; end: number; typed: string };

export function fieldOf(target: EventTarget | null): Field | null {
  return target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement ? target : null;
}

/** Sets a field as if it had been typed, so that its owner hears of it. */
function write(field: Field, value: string, start: number, end = start): void {
  const owner = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement.prototype : HTMLInputElement.prototype;
  Object.getOwnPropertyDescriptor(owner, "value")?.set?.call(field, value);
  field.dispatchEvent(new Event("input", { bubbles: true }));
  if (field.selectionStart !== null) field.setSelectionRange(start, end);
}

function selection(field: Field): { start: number; end: number } {
  const start = field.selectionStart ?? field.value.length;
  return { start, end: field.selectionEnd ?? start };
}

const spliced = (value: string, start: number, end: number, text: string) =>
  value.slice(0, start) + text + value.slice(end);

/** Takes the characters out of one field; true when there were any. */
function takeOut({ field, value, start, end, typed }: Held): boolean {
  if (field.value === value) return false;
  if (field.value === spliced(value, start, end, typed)) {
    write(field, value, start, end);
    return true;
  }
  // Something else wrote into the field meanwhile: only what stands before the caret is the scan's.
  const caret = selection(field).start;
  for (let from = 0; from < typed.length; from++) {
    const rest = typed.slice(from);
    if (!field.value.slice(0, caret).endsWith(rest)) continue;
    write(field, spliced(field.value, caret - rest.length, caret, ""), caret - rest.length);
    return true;
  }
  return false;
}

/** Follows the keys of one burst through the fields that get them. */
export class Typed {
  #held: Held[] = [];

  begin(): void {
    this.#held = [];
  }

  /** To be told of a key before the field has it. */
  key(field: Field | null, key: string): void {
    const last = this.#held.at(-1);
    if (field && last?.field === field) last.typed += key;
    else if (field) this.#held.push({ field, value: field.value, ...selection(field), typed: key });
  }

  /** Takes all of it out; it can be put back at the caret of the first field, beside what has come since. */
  takeOut(): PutBack {
    const taken = this.#held.filter(takeOut);
    const text = this.#held.map((held) => held.typed).join("");
    this.#held = [];
    const field = taken[0]?.field;
    return () => {
      if (!field) return;
      const { start, end } = selection(field);
      write(field, spliced(field.value, start, end, text), start + text.length);
    };
  }
}
