// What the desktop's door makes of Tauri's drag and drop.
import { expect, it, vi } from "vitest";
import { tauriBackend } from "./tauri";

const tauri = vi.hoisted(() => ({ drag: (_event: unknown) => {}, stopped: 0 }));
vi.mock("@tauri-apps/api/webview", () => ({
  getCurrentWebview: () => ({
    onDragDropEvent: async (handler: (event: unknown) => void) => {
      tauri.drag = handler;
      return () => {
        tauri.stopped += 1;
      };
    },
  }),
}));

it("tells the paths of dropped files, and of nothing that is only dragged over", async () => {
  const told: string[][] = [];
  const stop = tauriBackend().onFileDrop((paths) => told.push(paths));
  for (const type of ["enter", "over", "leave", "drop"]) tauri.drag({ payload: { type, paths: [`/${type}.csv`] } });
  expect(told).toEqual([["/drop.csv"]]);
  stop();
  await vi.waitFor(() => expect(tauri.stopped).toBe(1));
});
