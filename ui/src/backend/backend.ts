// The one typed door to the engine. What a name takes and gives is chosen by the generated map, never
// by the caller. A call that fails rejects with a Failure.
import type { Changed, Commands, Failure } from "./bindings";

export interface Backend {
  call<N extends keyof Commands>(name: N, args: Commands[N][0]): Promise<Commands[N][1]>;
  /** Tells when something may look different now; the answer stops the telling. */
  onChanged(listener: (changed: Changed) => void): () => void;
  /** Tells the paths of files that are dropped on the window; the answer stops the telling. */
  onFileDrop(listener: (paths: string[]) => void): () => void;
}

export function isFailure(value: unknown): value is Failure {
  return typeof value === "object" && value !== null && "code" in value && typeof value.code === "string";
}

/** Whatever was thrown, as a Failure: a fault of the door itself has the code INTERNAL. */
export function asFailure(thrown: unknown): Failure {
  if (isFailure(thrown)) return { ...{ message: "", next: "", details: {} }, ...thrown };
  return { code: "INTERNAL", message: String(thrown), next: "", details: {} };
}
