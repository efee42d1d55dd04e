// The values a card is about, side by side: before, yours and theirs, or what the person wanted to do,
// and how much there is by the book.
import type { ReactNode } from "react";
import type { FieldValue, InboxCard, ItemCard, Taken } from "../../backend/bindings";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import { called } from "./card-words";
import { deedText } from "./deed";
import css from "./inbox.module.css";
import { valueText } from "./value-words";

const deeds: InboxCard["kind"][] = ["rejected", "parked", "archived_edit"];

type Props = { card: InboxCard; item: ItemCard | undefined };
type Shown = { name: ReactNode; text: ReactNode; testid: string; tone?: string | undefined };

export function Values({ card, item }: Props) {
  const words = useWords();
  const level = useLevel(card, item);
  const shown: Shown[] = card.taken ? rivals(card.taken, words) : compared(card, words);
  if (level) shown.push({ name: level.place, text: level.amount, testid: T.inbox.level, tone: css.level });
  if (shown.length === 0) return null;
  return (
    <dl className={css.values} data-count={shown.length}>
      {shown.map(({ name, text, testid, tone }) => (
        <div key={testid}>
          <dt>{name}</dt>
          <dd className={tone} data-testid={testid}>
            {text}
          </dd>
        </div>
      ))}
    </dl>
  );
}

/** What the person wanted, beside what was and what another wanted, where there are such. */
function compared(card: InboxCard, words: Words): Shown[] {
  const { t, moment } = words;
  const isDeed = deeds.includes(card.kind);
  const told = (value: FieldValue | null) => valueText(value, card.field, words) || t("inbox.empty_value");
  const text = isDeed ? deedText(card.deed, words) : told(card.mine);
  const mine = { name: t("inbox.yours"), text, testid: T.inbox.mine, tone: css.strong };
  if (card.kind !== "conflict") return isDeed || card.mine !== null ? [mine] : [];
  const theirs = card.theirs_by ? t("inbox.of_person", { name: card.theirs_by }) : t("inbox.somebodys");
  const at = card.theirs_at && (
    <span key="at" className={css.at}>
      {moment(card.theirs_at)}
    </span>
  );
  return [
    { name: t("inbox.before"), text: told(card.base), testid: T.inbox.base },
    mine,
    { name: [theirs, at], text: told(card.theirs), testid: T.inbox.theirs, tone: css.strong },
  ];
}

/** The two that wanted one SKU or code, and how much there is of each. */
function rivals({ mine, theirs }: Taken, { t, amount }: Words): Shown[] {
  const text = (of: Taken["mine"]) => [
    called(of.code ? of : { code: t("inbox.taken.nameless"), name: of.name }),
    of.stock && (
      <span key="stock" className={css.stock}>
        {t("inbox.taken.stock", { amount: amount(of.stock.qty, of.stock.unit, of.stock.scale) })}
      </span>
    ),
  ];
  return [
    { name: t("inbox.taken.mine"), text: text(mine), testid: T.inbox.mine, tone: css.strong },
    { name: t("inbox.taken.theirs"), text: text(theirs), testid: T.inbox.theirs, tone: css.strong },
  ];
}

/** How much the card says there is, and where: in the item's unit, and by the place's code. */
function useLevel(card: InboxCard, item: ItemCard | undefined): { place: string; amount: string } | null {
  const { t, amount, number } = useWords();
  const { on_hand, location } = card.details;
  const told = typeof on_hand === "string";
  const places = useAsk("locations.list", { archived: true }, { enabled: told && typeof location === "string" }).data;
  if (!told) return null;
  const code = places?.find((place) => place.id === location)?.code;
  return {
    place: code ? t("inbox.level.at", { location: code }) : t("inbox.level"),
    amount: item ? amount(on_hand, item.unit, item.scale) : number(on_hand),
  };
}
