// The tree of places. Rows come in tree order from the engine; one of them has the focus and the
// arrows move it, as in any tree.

import { IconBuildingWarehouse } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useEffect, useRef } from "react";
import type { LocationRow } from "../../backend/bindings";
import { useDesk } from "../desk";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./locations.module.css";

const ROW = 36;

export function Tree({ rows }: { rows: LocationRow[] }) {
  const { t, number } = useWords();
  const { desk, take } = useDesk();
  const frame = useRef<HTMLDivElement>(null);
  const here = rows.findIndex((row) => row.id === desk.location);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => frame.current,
    estimateSize: () => ROW,
    overscan: 12,
    initialRect: { width: 300, height: 720 },
  });
  useEffect(() => {
    if (here >= 0) list.scrollToIndex(here, { align: "auto" });
  }, [here, list]);
  // Whoever went to the page before the places were known waits at its heading.
  useEffect(() => {
    if (document.activeElement?.matches("main h1")) frame.current?.focus();
  }, []);
  const onKey = (event: KeyboardEvent) => {
    const parent = rows.findIndex((row) => row.id === rows[here]?.parent);
    const moves: Record<string, number> = {
      ArrowDown: here + 1,
      ArrowUp: here - 1,
      Home: 0,
      End: rows.length - 1,
      ArrowLeft: parent,
    };
    const row = rows[Math.min(rows.length - 1, Math.max(0, moves[event.key] ?? -1))];
    if (moves[event.key] === undefined || !row) return;
    event.preventDefault();
    take({ do: "location", id: row.id });
  };
  return (
    <div className={css.treeBox}>
      <div
        ref={frame}
        className={css.tree}
        role="tree"
        aria-label={t("locations.tree")}
        tabIndex={0}
        aria-activedescendant={here >= 0 ? `place-${here}` : undefined}
        onKeyDown={onKey}
        data-testid={T.locations.tree}
      >
        <div className={css.sizer} style={{ height: list.getTotalSize() }}>
          {list.getVirtualItems().map(({ index, start }) => {
            const row = rows[index];
            if (!row) return null;
            return (
              // biome-ignore lint/a11y/useKeyWithClickEvents: the tree around it has the keys
              <div
                key={row.id}
                id={`place-${index}`}
                className={css.node}
                style={{ transform: `translateY(${start}px)`, paddingLeft: 12 + row.depth * 20 }}
                role="treeitem"
                aria-level={row.depth + 1}
                aria-selected={row.id === desk.location}
                data-role={row.role}
                data-code={row.code}
                data-testid={T.locations.node}
                onClick={() => take({ do: "location", id: row.id })}
              >
                {row.role === "site" && <IconBuildingWarehouse size={18} stroke={1.5} aria-hidden="true" />}
                <span className={css.code}>{row.code}</span>
                <span className={css.placeName}>{row.name}</span>
                {row.items > 0 && (
                  <span
                    className={css.count}
                    role="img"
                    title={t("locations.items", { n: row.items })}
                    aria-label={t("locations.items", { n: row.items })}
                  >
                    {number(row.items)}
                  </span>
                )}
              </div>
            );
          })}
        </div>
      </div>
    </div>
  );
}
