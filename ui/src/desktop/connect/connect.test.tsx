// What the form says when a server cannot be joined.
import { screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import { asFailure } from "../../backend/backend";
import { explainConnecting } from "../explain";
import { openWindow } from "../test/world";
import { T } from "../testids";
import { wordsOf } from "../words/words";

async function connecting(url: string) {
  const { user, at } = await openWindow({ connection: "never" });
  await user.click(await at(T.status.menu));
  await user.click(await at(T.status.connect));
  await user.type(await at(T.connect.url), `${url}{Enter}`);
  return (await at(T.connect.fault)).textContent;
}

describe("a server that cannot be joined", () => {
  it("is named when nothing answers there, with what to look at", async () => {
    expect(await connecting("http://stock.invalid:8000")).toBe(
      "No Stillage server answers at http://stock.invalid:8000. Check the spelling and the port, and that this computer is on the network.",
    );
    expect(screen.queryByText(/kept/)).toBeNull();
  });
  it("is asked for in the right form when it is no address", async () => {
    expect(await connecting("stock")).toBe(
      "“stock” is not a server address. Write it like http://stock.example.com:8000.",
    );
  });
  it("never says that work is kept, whatever the reason and the language", () => {
    const codes = ["OFFLINE", "BAD_ADDRESS", "BAD_CODE", "SIGNED_OUT", "UPGRADE_REQUIRED", "RATE_LIMITED", "INTERNAL"];
    for (const language of ["en", "de"] as const)
      for (const code of codes) {
        const failure = asFailure({ code, message: "", next: "", details: {} });
        expect(explainConnecting(failure, "x", wordsOf(language)), code).not.toMatch(/kept|safe|gesichert|sicher|\{/);
      }
  });
});
