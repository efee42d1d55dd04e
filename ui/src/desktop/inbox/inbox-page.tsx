// What needs a person, in plain words, one card each.
import { Button, SegmentedControl } from "@mantine/core";
import { IconAlertTriangle, IconInbox } from "@tabler/icons-react";
import { useState } from "react";
import { StateNote } from "../../kit/state-note";
import { useAsk } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./inbox.module.css";
import { Card } from "./inbox-card";

export function InboxPage() {
  const words = useWords();
  const { t } = words;
  const [state, setState] = useState<"open" | "resolved">("open");
  const { place } = useVoice();
  const cards = useAsk("inbox.list", { state });
  return (
    <>
      <div className={css.head}>
        <h1 className={css.title}>{t("inbox.title")}</h1>
        <SegmentedControl
          value={state}
          onChange={(value) => setState(value === "resolved" ? "resolved" : "open")}
          data={[
            { value: "open", label: <span data-testid={T.inbox.open}>{t("inbox.open")}</span> },
            { value: "resolved", label: <span data-testid={T.inbox.resolved}>{t("inbox.resolved")}</span> },
          ]}
        />
      </div>
      <div className={css.cards}>
        {cards.isError && (
          <StateNote
            tone="stop"
            icon={<IconAlertTriangle size={32} stroke={1.5} />}
            title={t("common.error")}
            text={explain(cards.error, words)}
            action={<Button onClick={() => void cards.refetch()}>{t("common.retry")}</Button>}
          />
        )}
        {cards.data?.length === 0 && (
          <StateNote
            testid={T.inbox.empty}
            icon={<IconInbox size={32} stroke={1.5} />}
            title={t(state === "open" ? "inbox.empty.title" : "inbox.empty.resolved")}
            text={state === "open" ? t("inbox.empty.text") : undefined}
          />
        )}
        {cards.data?.map((card) => (
          <Card key={card.id} card={card} />
        ))}
      </div>
      <div ref={place} />
    </>
  );
}
