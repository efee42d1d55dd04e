// The part of the stock list that is in sight, page by page. The list may be 100,000 rows long; only
// the pages around the window are asked for, and they stay while newer ones come in.
import { keepPreviousData, useQueries } from "@tanstack/react-query";
import type { Failure, ItemFilter, ItemPage, ItemRow, ItemSort } from "../../backend/bindings";
import { question, useBackend } from "../door";

export const PAGE = 100;
export type View = { search: string; filter: ItemFilter; sort: ItemSort; descending: boolean };
export type StockRows = {
  total: number | null;
  /** More answer the search than are listed. */
  more: boolean;
  error: Failure | null;
  row: (index: number) => ItemRow | null;
  again: () => void;
};

export function useStockRows(view: View, first: number, last: number): StockRows {
  const backend = useBackend();
  const from = Math.floor(Math.max(0, first) / PAGE);
  const to = Math.floor(Math.max(first, last) / PAGE);
  const wanted = [0, ...Array.from({ length: to - from + 1 }, (_, n) => from + n).filter((n) => n !== 0)];
  const pages = useQueries({
    queries: wanted.map((page) => ({
      ...question(backend, "items.list", { ...view, offset: page * PAGE, limit: PAGE }),
      placeholderData: page === 0 ? keepPreviousData : undefined,
      gcTime: 60_000,
    })),
  });
  const rows = new Map<number, ItemPage>();
  wanted.forEach((page, n) => {
    const data = pages[n]?.data as ItemPage | undefined;
    if (data) rows.set(page, data);
  });
  return {
    total: rows.get(0)?.total ?? null,
    more: rows.get(0)?.more ?? false,
    error: (pages[0]?.error as Failure | null) ?? null,
    row: (index) => rows.get(Math.floor(index / PAGE))?.rows[index % PAGE] ?? null,
    again: () => {
      for (const page of pages) void page.refetch();
    },
  };
}
