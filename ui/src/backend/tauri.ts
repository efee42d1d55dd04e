// The door in the desktop window: one forwarding command, one event, and the files dropped on it. The
// only file that knows Tauri.
import { invoke } from "@tauri-apps/api/core";
import { listen } from "@tauri-apps/api/event";
import { getCurrentWebview } from "@tauri-apps/api/webview";
import { asFailure, type Backend } from "./backend";
import type { Changed } from "./bindings";

export function tauriBackend(): Backend {
  return {
    call: (name, args) =>
      invoke<never>("call", { name, args }).catch((thrown: unknown) => {
        throw asFailure(thrown);
      }),
    onChanged(listener) {
      const stop = listen<Changed>("changed", (event) => listener(event.payload));
      return () => void stop.then((unlisten) => unlisten());
    },
    onFileDrop(listener) {
      const stop = getCurrentWebview().onDragDropEvent(({ payload }) => {
        if (payload.type === "drop") listener(payload.paths);
      });
      return () => void stop.then((unlisten) => unlisten());
    },
  };
}
