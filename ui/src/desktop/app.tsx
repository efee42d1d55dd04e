// The window from the outside in: looks, words, engine, then the gate and behind it the frame.
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { useMemo } from "react";
import type { Backend } from "../backend/backend";
import { Gate } from "./connect/gate";
import { DeskProvider } from "./desk";
import { DoorProvider, makeQueries } from "./door";
import { UndoProvider } from "./entry/undo";
import { Frame } from "./frame/frame";
import { VoiceProvider } from "./say";
import { theme, variables } from "./theme";
import { type Language, WordsProvider } from "./words/words";

type Props = { backend: Backend; language?: Language; env?: "default" | "test" };

export function App({ backend, language, env = "default" }: Props) {
  const queries = useMemo(makeQueries, []);
  return (
    <MantineProvider theme={theme} cssVariablesResolver={variables} defaultColorScheme="auto" env={env}>
      <QueryClientProvider client={queries}>
        <WordsProvider language={language}>
          <DoorProvider backend={backend}>
            <VoiceProvider>
              <Gate>
                <DeskProvider>
                  <UndoProvider>
                    <Frame />
                  </UndoProvider>
                </DeskProvider>
              </Gate>
            </VoiceProvider>
          </DoorProvider>
        </WordsProvider>
      </QueryClientProvider>
    </MantineProvider>
  );
}
