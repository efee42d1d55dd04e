// Takes scans from the desk's queue one at a time. The next one is looked at only once the screen
// stands as the one before has left it, so that no scan works on what an earlier one has changed since.
import { useEffect, useRef } from "react";
import { type Scanned, useDesk } from "../desk";

/** Hands over the first scan in the queue as soon as `ready`. */
export function useQueue(ready: boolean, deal: (scan: Scanned) => void): void {
  const { desk, take } = useDesk();
  const latest = useRef(deal);
  latest.current = deal;
  const done = useRef(0);
  const first = desk.scans[0];
  useEffect(() => {
    if (!ready || !first || first.n === done.current) return;
    done.current = first.n;
    latest.current(first);
    take({ do: "handled", n: first.n });
  }, [ready, first, take]);
}
