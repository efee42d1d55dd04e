// One card: before, yours, theirs side by side, and the ways to answer it. An answer is an ordinary
// action: it works offline and goes out with the rest. Whoever deals with a card sees its item, if any, in the side panel.
import { Button, Collapse, TextInput, UnstyledButton } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { InboxCard } from "../../backend/bindings";
import { useDesk } from "../desk";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import { cardText, cardTitle } from "./card-words";
import css from "./inbox.module.css";
import { Values } from "./values";

type Keep = InboxCard["keeps"][number];

export function Card({ card }: { card: InboxCard }) {
  const words = useWords();
  const { t, moment } = words;
  const { take } = useDesk();
  const [detailed, setDetailed] = useState(false);
  const subject = card.subject?.kind === "item" ? card.subject.id : null;
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
        <Answers
          card={card}
          onAnswer={answer}
          onRecount={() => subject && take({ do: "entry", kind: "count", item: subject, location: placeOf(card) })}
        />
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

/** The place a card is about, if it says one. */
function placeOf({ details }: InboxCard): string | undefined {
  return typeof details.location === "string" ? details.location : undefined;
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

type AnswersProps = {
  card: InboxCard;
  onAnswer: (keep: Keep, value?: string | null) => Promise<void>;
  onRecount: () => void;
};

function Answers({ card, onAnswer, onRecount }: AnswersProps) {
  const { t } = useWords();
  const [value, setValue] = useState<string | null>(null);
  const label = (keep: Keep) => {
    if (card.kind === "ambiguous_count" && (keep === "mine" || keep === "theirs"))
      return t(`inbox.ambiguous_count.${keep}`);
    return keep === "theirs" && card.theirs_by
      ? t("inbox.keep.theirs_of", { name: card.theirs_by })
      : t(`inbox.keep.${keep}`);
  };
  const press = (keep: Keep) => {
    if (keep === "value") return setValue(card.mine ?? "");
    if (keep === "recount") return onRecount();
    void onAnswer(keep);
  };
  const use = (event: FormEvent) => {
    event.preventDefault();
    if (value?.trim()) void onAnswer("value", value.trim());
  };
  if (value !== null)
    return (
      <form className={css.edit} onSubmit={use}>
        <TextInput
          value={value}
          onChange={(e) => setValue(e.currentTarget.value)}
          aria-label={t("inbox.edit.label")}
          data-scan="off"
          data-testid={T.inbox.value}
          autoFocus
        />
        <Button type="submit" data-testid={T.inbox.useValue}>
          {t("inbox.edit.keep")}
        </Button>
        <Button variant="subtle" onClick={() => setValue(null)}>
          {t("common.cancel")}
        </Button>
      </form>
    );
  return (
    <div className={css.answers}>
      {card.keeps.map((keep) => (
        <Button key={keep} variant="default" onClick={() => press(keep)} data-testid={T.inbox.keep(keep)}>
          {label(keep)}
        </Button>
      ))}
    </div>
  );
}
