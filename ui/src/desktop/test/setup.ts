// What the test window lacks: media queries, sizes and scrolling.
import { cleanup, configure } from "@testing-library/react";
import { afterEach, beforeEach } from "vitest";

// What is waited for comes, however busy the machine is.
configure({ asyncUtilTimeout: 30_000 });

class NoObserver {
  observe(): void {}
  unobserve(): void {}
  disconnect(): void {}
}

Object.defineProperty(window, "matchMedia", {
  writable: true,
  value: (query: string) => ({
    matches: false,
    media: query,
    addEventListener: () => {},
    removeEventListener: () => {},
  }),
});
Object.defineProperty(window, "ResizeObserver", { writable: true, value: NoObserver });
Object.defineProperty(HTMLElement.prototype, "clientHeight", { get: () => 720 });
Object.defineProperty(HTMLElement.prototype, "clientWidth", { get: () => 1000 });
Element.prototype.scrollIntoView = () => {};
Element.prototype.scrollTo = () => {};

beforeEach(() => localStorage.clear());
afterEach(cleanup);
