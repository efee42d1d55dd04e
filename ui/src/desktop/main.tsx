// Starts the window. In a browser `?fake` brings the in-memory engine, which the desktop never loads.
import "@fontsource-variable/inter/index.css";
import "@mantine/core/styles.css";
import "./desktop.css";
import { createRoot } from "react-dom/client";
import type { Backend } from "../backend/backend";
import { App } from "./app";

async function door(): Promise<Backend> {
  if (new URLSearchParams(location.search).has("fake")) {
    const { fakeBackend, optionsFrom } = await import("../backend/fake");
    return fakeBackend(optionsFrom(location.search));
  }
  const { tauriBackend } = await import("../backend/tauri");
  return tauriBackend();
}

const root = document.getElementById("root");
if (root) void door().then((backend) => createRoot(root).render(<App backend={backend} />));
