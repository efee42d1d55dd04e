// What the window says aloud and shows for a moment: scans, records, refusals. One thing at a time;
// it floats where neither a list's footer nor the side panel is, and takes no focus by itself; a page whose
// buttons could lie under it gives it a place of its own. Refusals stay until the next thing is said.
import { UnstyledButton } from "@mantine/core";
import { IconAlertTriangle, IconBarcode, IconCheck, IconX } from "@tabler/icons-react";
import { createContext, type ReactNode, useCallback, useContext, useEffect, useMemo, useState } from "react";
import { createPortal } from "react-dom";
import { asFailure } from "../backend/backend";
import css from "./desktop.module.css";
import { explain } from "./explain";
import { play, type Sound } from "./sound/sound";
import { T } from "./testids";
import { useWords } from "./words/words";

export type Tone = "ok" | "attention" | "stop";
/** Quiet: only for the screen reader, because the words stand elsewhere on screen. What stays does so until the
 *  next thing is said, like a refusal. */
export type Said = { tone: Tone; text: string; more?: string; flash?: boolean; quiet?: boolean; stays?: boolean };
type Voice = {
  say: (said: Said) => void;
  /** For what the engine has answered, which has made its own sound. */
  fail: (thrown: unknown) => void;
  /** The element that what is said stands in, as long as it is there. */
  place: (element: HTMLElement | null) => void;
  /** Takes away what would stay: the reason for it has gone. */
  hush: () => void;
};

/** The ok sound is only for what is recorded: it comes with the engine's answer. */
const soundOf: Record<Tone, Sound | null> = { ok: null, attention: "attention", stop: "error" };

const Context = createContext<Voice | null>(null);

export function useVoice(): Voice {
  const voice = useContext(Context);
  if (!voice) throw new Error("the voice is used outside its provider");
  return voice;
}

export function VoiceProvider({ children }: { children: ReactNode }) {
  const words = useWords();
  const [said, setSaid] = useState<(Said & { n: number }) | null>(null);
  const [placed, place] = useState<HTMLElement | null>(null);
  const show = useCallback((next: Said) => setSaid((before) => ({ ...next, n: (before?.n ?? 0) + 1 })), []);
  const voice = useMemo<Voice>(
    () => ({
      say: (next) => {
        const sound = soundOf[next.tone];
        if (sound) play(sound);
        show(next);
      },
      hush: () => setSaid((now) => (now?.stays ? null : now)),
      fail: (thrown) => show({ tone: "stop", text: explain(asFailure(thrown), words) }),
      place,
    }),
    [show, words],
  );
  useEffect(() => {
    if (!said || said.stays || said.tone === "stop") return;
    const timer = setTimeout(() => setSaid(null), 6_000);
    return () => clearTimeout(timer);
  }, [said]);
  const strip = said && !said.quiet && <Strip said={said} placed={placed !== null} onClose={() => setSaid(null)} />;
  return (
    <Context.Provider value={voice}>
      {children}
      {said?.flash && <div key={said.n} className={css.flash} data-tone={said.tone} aria-hidden="true" />}
      {strip && (placed ? createPortal(strip, placed) : strip)}
      <div className={css.unseen} role="status" aria-live="polite" data-testid={T.live}>
        {said ? `${said.text} ${said.more ?? ""}` : ""}
      </div>
    </Context.Provider>
  );
}

const ICONS = { ok: IconCheck, attention: IconBarcode, stop: IconAlertTriangle };

function Strip({ said, placed, onClose }: { said: Said; placed: boolean; onClose: () => void }) {
  const { t } = useWords();
  const Icon = ICONS[said.tone];
  return (
    <div className={css.said} data-tone={said.tone} data-placed={placed || undefined} data-testid={T.said}>
      <Icon size={18} stroke={1.5} aria-hidden="true" />
      <div>
        <div className={css.saidText}>{said.text}</div>
        {said.more && <div className={css.saidMore}>{said.more}</div>}
      </div>
      <UnstyledButton className={css.saidClose} onClick={onClose} aria-label={t("scan.dismiss")}>
        <IconX size={16} stroke={1.5} />
      </UnstyledButton>
    </div>
  );
}
