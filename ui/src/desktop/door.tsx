// How screens reach the engine: questions are cached and asked again when the engine says that
// something they stand on has changed. There is no other source of truth on this side.
import { keepPreviousData, QueryClient, type UseQueryResult, useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useEffect, useMemo } from "react";
import { asFailure, type Backend } from "../backend/backend";
import type { Commands, Failure, Tag } from "../backend/bindings";
import { heard } from "./sound/heard";

type Name = keyof Commands;

/** What each question's answer depends on. */
const standsOn: Partial<Record<Name, Tag[]>> = {
  "app.status": ["status", "inbox"],
  "items.list": ["items", "stock"],
  "items.counts": ["items", "stock"],
  "items.get": ["items", "stock", "locations"],
  "items.history": ["stock", "items"],
  "locations.list": ["locations", "stock"],
  "locations.contents": ["locations", "stock", "items"],
  "categories.list": ["categories"],
  "reasons.list": ["reasons"],
  "inbox.list": ["inbox"],
};

const Door = createContext<Backend | null>(null);

export function DoorProvider({ backend, children }: { backend: Backend; children: ReactNode }) {
  const door = useMemo(() => heard(backend), [backend]);
  return <Door.Provider value={door}>{children}</Door.Provider>;
}

export function useBackend(): Backend {
  const backend = useContext(Door);
  if (!backend) throw new Error("the engine is used outside its provider");
  return backend;
}

export function makeQueries(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        retry: false,
        staleTime: Number.POSITIVE_INFINITY,
        networkMode: "always",
        refetchOnWindowFocus: false,
      },
    },
  });
}

type AskOptions = { enabled?: boolean; keepPrevious?: boolean; refetchMs?: number };

export const question = <N extends Name>(backend: Backend, name: N, args: Commands[N][0]) => ({
  queryKey: [name, args] as const,
  queryFn: (): Promise<Commands[N][1]> =>
    backend.call(name, args).catch((thrown: unknown) => {
      throw asFailure(thrown);
    }),
});

export function useAsk<N extends Name>(
  name: N,
  args: Commands[N][0],
  options: AskOptions = {},
): UseQueryResult<Commands[N][1], Failure> {
  const backend = useBackend();
  return useQuery<Commands[N][1], Failure, Commands[N][1], readonly [N, Commands[N][0]]>({
    ...question(backend, name, args),
    enabled: options.enabled ?? true,
    refetchInterval: options.refetchMs ?? false,
    ...(options.keepPrevious ? { placeholderData: keepPreviousData as never } : {}),
  });
}

/** Asks again whatever a change may have made stale. */
export function useChanges(): void {
  const backend = useBackend();
  const queries = useQueryClient();
  useEffect(
    () =>
      backend.onChanged(({ tags }) => {
        void queries.invalidateQueries({
          predicate: ({ queryKey: [name] }) => (standsOn[name as Name] ?? []).some((tag) => tags.includes(tag)),
        });
      }),
    [backend, queries],
  );
}
