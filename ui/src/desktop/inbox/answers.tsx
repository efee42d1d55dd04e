// The ways to answer a card. Each button says what will happen; what is typed is read in the marks
// of the person's language.
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import type { InboxCard } from "../../backend/bindings";
import { typedNumber } from "../../kit/decimal";
import { play } from "../sound/sound";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import { called, takenWhat } from "./card-words";
import css from "./inbox.module.css";
import { typedText } from "./value-words";

export type Keep = InboxCard["keeps"][number];

type Props = {
  card: InboxCard;
  onAnswer: (keep: Keep, value?: string | null) => Promise<void>;
  onRecount: () => void;
};

export function Answers({ card, onAnswer, onRecount }: Props) {
  const words = useWords();
  const [editing, setEditing] = useState(false);
  const press = (keep: Keep) => {
    if (keep === "value") return setEditing(true);
    if (keep === "recount") return onRecount();
    void onAnswer(keep);
  };
  if (editing) return <OwnValue card={card} onAnswer={onAnswer} onCancel={() => setEditing(false)} />;
  return (
    <div className={css.answers}>
      {card.keeps.map((keep) => (
        <Button key={keep} variant="default" onClick={() => press(keep)} data-testid={T.inbox.keep(keep)}>
          {answerLabel(card, keep, words)}
        </Button>
      ))}
    </div>
  );
}

function answerLabel(card: InboxCard, keep: Keep, { t }: Words): string {
  const { kind, taken, theirs_by } = card;
  if (kind === "sku_taken" || kind === "barcode_taken") {
    const theirs = taken ? called(taken.theirs) : t("inbox.someone");
    const what = takenWhat(card);
    const another = {
      sku_taken: "inbox.keep.another_sku",
      barcode_taken: "inbox.keep.another_barcode",
      code_taken: "inbox.keep.another_code",
    } as const;
    if (keep === "value") return t(another[what]);
    if (what === "code_taken") return t("inbox.keep.leave");
    return t(what === "sku_taken" ? "inbox.keep.join" : "inbox.keep.remove_barcode", { theirs });
  }
  if (kind === "ambiguous_count" && (keep === "mine" || keep === "theirs")) return t(`inbox.ambiguous_count.${keep}`);
  if (kind === "archived_edit" && keep === "mine") return t("inbox.keep.restore");
  return keep === "theirs" && theirs_by ? t("inbox.keep.theirs_of", { name: theirs_by }) : t(`inbox.keep.${keep}`);
}

type OwnValueProps = Pick<Props, "card" | "onAnswer"> & { onCancel: () => void };

function OwnValue({ card, onAnswer, onCancel }: OwnValueProps) {
  const words = useWords();
  const { t, marks, number } = words;
  // What is taken would only be taken again.
  const wasTaken = card.kind === "sku_taken" || card.kind === "barcode_taken";
  const [typed, setTyped] = useState(wasTaken ? "" : typedText(card.mine, words));
  const [fault, setFault] = useState<string | null>(null);
  const isAmount = [card.base, card.mine, card.theirs].some((v) => typeof v === "object" && v?.is === "amount");
  const use = (event: FormEvent) => {
    event.preventDefault();
    const text = typed.trim();
    if (!text) return;
    const value = isAmount ? typedNumber(text, marks) : text;
    if (value !== null) return void onAnswer("value", value);
    play("attention");
    setFault(t("common.needs_qty", { text, example: number("12.5") }));
  };
  return (
    <form className={css.edit} onSubmit={use}>
      <TextInput
        value={typed}
        onChange={(e) => {
          setTyped(e.currentTarget.value);
          setFault(null);
        }}
        error={fault}
        aria-label={t("inbox.edit.label")}
        data-scan="off"
        data-testid={T.inbox.value}
        autoFocus
      />
      <Button type="submit" data-testid={T.inbox.useValue}>
        {t("inbox.edit.keep")}
      </Button>
      <Button variant="subtle" onClick={onCancel}>
        {t("common.cancel")}
      </Button>
    </form>
  );
}
