// What was recorded last. One tick once it is safe on this device, two once the server has dealt with it.
import { Button } from "@mantine/core";
import { IconArrowBackUp, IconCheck, IconChecks } from "@tabler/icons-react";
import { Fragment } from "react";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./entry.module.css";
import { movementOf, useUndo } from "./undo";
import type { Result } from "./use-record";

/** Far enough back for everything that is recorded while one line stands. */
const NEWEST = 20;

export function ResultLine({ result }: { result: Result }) {
  const { t } = useWords();
  const { undo } = useUndo();
  const state = useStanding(result);
  const Tick = state === "settled" ? IconChecks : IconCheck;
  const said = t(state === "settled" ? "entry.settled" : "entry.waiting");
  return (
    <div className={css.result}>
      <span className={css.tick} role="img" aria-label={said} title={said}>
        <Tick size={18} stroke={1.5} aria-hidden="true" />
      </span>
      <span className={css.resultText} data-testid={T.entry.result} data-state={state}>
        <Unbroken text={result.text} />
      </span>
      {result.undoable && (
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowBackUp size={16} stroke={1.5} />}
          onClick={() => void undo()}
          data-testid={T.entry.undo}
          aria-keyshortcuts="Control+Z"
        >
          {t("entry.undo")}
        </Button>
      )}
    </div>
  );
}

/** Follows the change: its movement says how it stands. A count that the book agreed with has none, and is settled
 *  when nothing is left to send. */
function useStanding(result: Result): Result["state"] {
  const history = useAsk("items.history", { id: result.item, limit: NEWEST });
  const status = useAsk("app.status", {});
  if (result.state === "settled") return "settled";
  const movement = history.data?.find((row) => row.id === movementOf(result.change));
  if (movement) return movement.state;
  const fresh = history.dataUpdatedAt >= result.at && status.dataUpdatedAt >= result.at;
  return fresh && status.data?.outbox.count === 0 ? "settled" : "waiting";
}

/** Words that stay whole: a code like A-02-1 is not split at its hyphens. */
function Unbroken({ text }: { text: string }) {
  return text.split(" ").map((word, n) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words have no other identity
    <Fragment key={n}>
      {n > 0 && " "}
      <span className={css.word}>{word}</span>
    </Fragment>
  ));
}
