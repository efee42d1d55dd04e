// The values a card is about, side by side: before, yours and theirs, or what the person wanted to do,
// and how much there is by the book.
import type { InboxCard, ItemCard } from "../../backend/bindings";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import { deedText } from "./deed";
import css from "./inbox.module.css";

const deeds: InboxCard["kind"][] = ["rejected", "parked", "archived_edit"];

type Props = { card: InboxCard; item: ItemCard | undefined };

export function Values({ card, item }: Props) {
  const words = useWords();
  const { t, moment } = words;
  const level = useLevel(card, item);
  const nothing = t("inbox.empty_value");
  const compared = card.kind === "conflict" || card.kind === "archived_edit";
  const theirs = card.theirs_by ? t("inbox.of_person", { name: card.theirs_by }) : t("inbox.somebodys");
  const mine = deeds.includes(card.kind) ? deedText(card.deed, words) : card.mine;
  if (mine === null && card.theirs === null && level === null) return null;
  return (
    <dl className={css.values} data-count={compared ? 3 : Number(mine !== null) + Number(level !== null)}>
      {compared && (
        <div>
          <dt>{t("inbox.before")}</dt>
          <dd data-testid={T.inbox.base}>{card.base || nothing}</dd>
        </div>
      )}
      {(compared || mine !== null) && (
        <div>
          <dt>{t("inbox.yours")}</dt>
          <dd className={css.strong} data-testid={T.inbox.mine}>
            {mine || nothing}
          </dd>
        </div>
      )}
      {compared && (
        <div>
          <dt>
            {theirs}
            {card.theirs_at && <span className={css.at}>{moment(card.theirs_at)}</span>}
          </dt>
          <dd className={css.strong} data-testid={T.inbox.theirs}>
            {card.theirs || nothing}
          </dd>
        </div>
      )}
      {level && (
        <div>
          <dt>{level.place}</dt>
          <dd className={css.level} data-testid={T.inbox.level}>
            {level.amount}
          </dd>
        </div>
      )}
    </dl>
  );
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
