// One card: before, yours, theirs side by side, and the ways to answer it. An answer is an ordinary
// action: it works offline and goes out with the rest. Whoever deals with a card sees its item, if any, in the side panel.
import { Collapse, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import { asFailure } from "../../backend/backend";
import type { InboxCard, ItemCard, StockStatus } from "../../backend/bindings";
import { type Step, useDesk } from "../desk";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import { Answers, type Keep } from "./answers";
import { cardText, cardTitle } from "./card-words";
import css from "./inbox.module.css";
import { Values } from "./values";

export function Card({ card }: { card: InboxCard }) {
  const words = useWords();
  const { t, moment } = words;
  const { take } = useDesk();
  const [detailed, setDetailed] = useState(false);
  const subject = itemOf(card);
  const item = useAsk("items.get", { id: subject ?? "" }, { enabled: subject !== null });
  const title = cardTitle(card, words, item.data?.sku);
  const { answer, fault } = useAnswer(card, title, words);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a key on one of its buttons is a click too
    <article
      className={css.card}
      onClick={() => take({ do: "about", item: subject })}
      aria-label={title}
      data-testid={T.inbox.card}
      data-kind={card.kind}
      data-state={card.state}
      data-label={card.subject?.label}
      data-field={card.field}
    >
      <header className={css.cardHead}>
        <h2 className={css.cardTitle} data-testid={T.inbox.title}>
          {subject ? (
            <UnstyledButton className={css.subject} onClick={() => take({ do: "item", id: subject })}>
              {title}
            </UnstyledButton>
          ) : (
            title
          )}
        </h2>
        <time className={css.when}>{moment(card.acted_at ?? card.at)}</time>
      </header>
      <p className={css.text}>{cardText(card, words)}</p>
      <Values card={card} item={item.data} />
      {card.state === "open" && (
        <Answers card={card} onAnswer={answer} onRecount={() => subject && take(recount(card, subject, item.data))} />
      )}
      {fault && (
        <p className={css.fault} role="alert">
          {fault}
        </p>
      )}
      <UnstyledButton className={css.details} aria-expanded={detailed} onClick={() => setDetailed(!detailed)}>
        {t("inbox.details")}
      </UnstyledButton>
      <Collapse expanded={detailed} transitionDuration={120}>
        <pre className={css.raw}>
          {JSON.stringify({ code: card.code ?? card.kind, id: card.id, ...card.details }, null, 2)}
        </pre>
      </Collapse>
    </article>
  );
}

const text = (value: unknown) => (typeof value === "string" ? value : undefined);

/** The item a card is about; one about a serial number names it beside. */
function itemOf({ subject, details }: InboxCard): string | null {
  return subject?.kind === "item" ? subject.id : (text(details.item) ?? null);
}

/** The count that would answer the card: of its item, at its place, of its lot or serial number. */
function recount(card: InboxCard, item: string, known: ItemCard | undefined): Step {
  const { details } = card;
  const lot =
    card.kind === "serial_elsewhere"
      ? card.subject?.label
      : (card.close?.lot ?? known?.cells.find((cell) => cell.lot?.id === details.lot)?.lot?.code);
  const status = (text(details.status) ?? "available") as StockStatus;
  const asked = { card: card.id, lot: lot ?? null, status };
  return { do: "entry", kind: "count", item, location: text(details.location), asked };
}

function useAnswer(card: InboxCard, title: string, words: Words) {
  const backend = useBackend();
  const { say } = useVoice();
  const [fault, setFault] = useState<string | null>(null);
  const answer = (keep: Keep, value: string | null = null) =>
    backend
      .call("inbox.resolve", { id: card.id, keep, value })
      .then(() => say({ tone: "ok", text: words.t("inbox.answered", { title }) }))
      .catch((thrown: unknown) => setFault(explain(asFailure(thrown), words)));
  return { answer, fault };
}
