// True once something has been going on for a while: skeletons appear after 150 ms, so that a quick
// answer never flashes.
import { useEffect, useState } from "react";

export function useAfter(active: boolean, ms = 150): boolean {
  const [late, setLate] = useState(false);
  useEffect(() => {
    if (!active) {
      setLate(false);
      return;
    }
    const timer = setTimeout(() => setLate(true), ms);
    return () => clearTimeout(timer);
  }, [active, ms]);
  return active && late;
}
