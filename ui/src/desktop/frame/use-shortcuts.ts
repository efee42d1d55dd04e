// The same key does the same thing on every screen. Function and Ctrl keys work in a field too;
// single characters only where nothing is being typed, and never inside a scanner's burst.
import { useEffect, useRef } from "react";
import { type EntryKind, entryKey, entryKinds, pages, useDesk } from "../desk";
import { useUndo } from "../entry/undo";
import { inBurst } from "../scan/use-scanner";
import { T } from "../testids";
import { focusEntry, focusPage } from "./use-focus";

/** What floats above the page closes itself on Escape; it is looked for before it has done so. A list that was
 *  closed stays in the page unseen, and has no part in it. */
const FLOATING = '[role="dialog"], [role="menu"], [role="option"]';

const entryOf = new Map<string, EntryKind>(entryKinds.map((kind) => [entryKey[kind], kind]));

function seen(element: Element): boolean {
  if (element.closest('[aria-hidden="true"], [hidden]')) return false;
  return element.checkVisibility?.({ visibilityProperty: true }) ?? element.getClientRects().length > 0;
}

export function focusSearch(): void {
  const search = document.querySelector<HTMLInputElement>(`[data-testid="${T.search}"]`);
  search?.focus();
  search?.select();
}

function typing(event: KeyboardEvent): boolean {
  const target = event.target;
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable=true]");
}

export function useShortcuts(): void {
  const { desk, take } = useDesk();
  const { undo } = useUndo();
  const press = useRef<(event: KeyboardEvent) => boolean>(() => false);
  const floating = useRef(false);
  press.current = (event) => {
    const command = event.ctrlKey || event.metaKey;
    const entry = entryOf.get(event.key);
    const page = pages[Number(event.key) - 1];
    if (entry && !command) {
      if (desk.entry === entry) focusEntry();
      take({ do: "entry", kind: entry });
    } else if (command && event.key.toLowerCase() === "k") focusSearch();
    else if (command && event.key.toLowerCase() === "z" && !typedHere(event)) void undo();
    else if (event.altKey && page) {
      take({ do: "go", page });
      requestAnimationFrame(focusPage);
    } else if (event.key === "Escape") {
      if (floating.current) return false;
      take({ do: "back" });
    } else if (typing(event) || inBurst() || command || event.altKey) return false;
    else if (event.key === "/") focusSearch();
    else if (event.key === "?") take({ do: "sheet", open: true });
    else return false;
    return true;
  };
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!event.defaultPrevented && press.current(event)) event.preventDefault();
    };
    const note = () => {
      floating.current = [...document.querySelectorAll(FLOATING)].some(seen);
    };
    window.addEventListener("keydown", note, true);
    window.addEventListener("keydown", onKey);
    return () => {
      window.removeEventListener("keydown", note, true);
      window.removeEventListener("keydown", onKey);
    };
  }, []);
}

/** In a field that holds text, Ctrl+Z belongs to the typing; in an empty one, to the last record. */
function typedHere(event: KeyboardEvent): boolean {
  return (
    typing(event) &&
    event.target instanceof HTMLInputElement &&
    event.target.value !== "" &&
    event.target.dataset.undo !== "record"
  );
}
