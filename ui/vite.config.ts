// How the page is built and tested. The base is relative because the desktop serves the files
// from its own scheme, not from a root.
import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: { outDir: "dist", emptyOutDir: true, target: "es2022", sourcemap: false, chunkSizeWarningLimit: 900 },
  server: { port: 5173, strictPort: false },
  test: {
    environment: "happy-dom",
    setupFiles: ["./src/desktop/test/setup.ts"],
    include: ["src/**/*.test.{ts,tsx}"],
    css: false,
    // A limit is there to end what hangs, and says nothing about speed: other work may have the processor.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
