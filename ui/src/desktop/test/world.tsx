// The whole window over the in-memory engine, for tests that use it as people do.
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { fakeBackend } from "../../backend/fake";
import type { Options } from "../../backend/fake/world";
import { App } from "../app";
import type { Language } from "../words/words";

export async function openWindow(options: Partial<Options> = {}, language: Language = "en") {
  const backend = fakeBackend({ items: 60, ...options });
  const user = userEvent.setup({ delay: null });
  render(<App backend={backend} language={language} env="test" />);
  return { backend, user, at: (id: string) => screen.findByTestId(id) };
}

/** Keys as fast as a scanner's: all at one moment. */
export function scan(code: string, terminator = "Enter"): void {
  const at = performance.now();
  for (const key of [...code, terminator]) {
    const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true });
    Object.defineProperty(event, "timeStamp", { value: at });
    (document.activeElement ?? document.body).dispatchEvent(event);
  }
}
