// The focus is never nowhere. What closes gives it back to where it came from: the element itself, or
// the one that stands for it now; otherwise to the page's main list, or its heading where there is none.
import { useCallback, useEffect, useRef } from "react";
import { useDesk } from "../desk";
import { T } from "../testids";

const MAIN = 'main :is([role="grid"], [role="tree"])';
const ENTRY = `[data-testid="${T.entry.panel}"]`;
/** What names an element once it was drawn anew. */
const NAMES = ["data-testid", "data-sku", "data-code"];

type Spot = { element: HTMLElement; name: string };

function spotOf(element: HTMLElement): Spot {
  const named = NAMES.filter((key) => element.hasAttribute(key));
  return { element, name: named.map((key) => `[${key}="${CSS.escape(element.getAttribute(key) ?? "")}"]`).join("") };
}

function goBack({ element, name }: Spot): boolean {
  const there = element.isConnected ? element : name ? document.querySelector<HTMLElement>(name) : null;
  there?.focus();
  return there !== null && document.activeElement === there;
}

/** To what the page is about. */
export function focusPage(): void {
  const main = document.querySelector<HTMLElement>(MAIN) ?? document.querySelector<HTMLElement>("main h1");
  if (main?.tagName === "H1") main.tabIndex = -1;
  main?.focus();
}

/** To where the open entry goes on. */
export function focusEntry(): void {
  document.querySelector<HTMLElement>(`${ENTRY} [data-field="qty"] input`)?.focus();
}

const nowhere = () => document.activeElement === null || document.activeElement === document.body;

/** Answers with what is to be called when a dialog goes: it has the focus for longer than the desk says so. */
export function useFocus(): () => void {
  const { desk } = useDesk();
  const page = useRef<Spot | null>(null);
  const card = useRef<Spot | null>(null);
  useEffect(() => {
    const note = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement) || target.closest(`${ENTRY}, [role="dialog"]`)) return;
      if (target.closest("aside")) card.current = spotOf(target);
      else if (target.closest("main, nav, header, footer")) {
        page.current = spotOf(target);
        card.current = null;
      }
    };
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, []);
  const settle = useCallback((went: boolean) => {
    if (!nowhere()) return;
    if (!went && card.current && goBack(card.current)) return;
    if (!went && page.current && goBack(page.current)) return;
    focusPage();
  }, []);
  const before = useRef(desk);
  useEffect(() => {
    if (before.current === desk) return;
    const went = before.current.page !== desk.page;
    before.current = desk;
    settle(went);
  }, [desk, settle]);
  return useCallback(() => void requestAnimationFrame(() => settle(false)), [settle]);
}
