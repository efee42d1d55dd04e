// The engine, heard: whatever is recorded gives the ok sound when its answer is there, which is when
// it is durable; whatever is refused gives the error sound. Questions are silent.
import type { Backend } from "../../backend/backend";
import type { Commands, Recorded } from "../../backend/bindings";
import { play } from "./sound";

/** The commands that record something; the compiler asks for each. */
type Act = { [N in keyof Commands]: Commands[N][1] extends Recorded ? N : never }[keyof Commands] | "import.run";

const acts: Record<Act, true> = {
  "items.save": true,
  "items.archive": true,
  "barcodes.save": true,
  "barcodes.archive": true,
  "locations.save": true,
  "locations.archive": true,
  "categories.save": true,
  "reasons.save": true,
  "stock.receive": true,
  "stock.issue": true,
  "stock.move": true,
  "stock.adjust": true,
  "stock.count": true,
  "stock.reverse": true,
  "inbox.resolve": true,
  "import.run": true,
};

export function heard(backend: Backend): Backend {
  return {
    ...backend,
    async call(name, args) {
      try {
        const answer = await backend.call(name, args);
        if (name in acts) play("ok");
        return answer;
      } catch (thrown) {
        if (name in acts || name === "scan.resolve") play("error");
        throw thrown;
      }
    },
  };
}
