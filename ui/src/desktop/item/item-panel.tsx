// One item: what it is, how much there is, where, and what happened to it. Values are edited where
// they stand; there is nothing to save.
import { ActionIcon, Button, Menu, Skeleton } from "@mantine/core";
import { IconAlertTriangle, IconArchive, IconArrowUp, IconDots, IconPhoto, IconX } from "@tabler/icons-react";
import { asFailure } from "../../backend/backend";
import type { ItemCard } from "../../backend/bindings";
import { typedNumber } from "../../kit/decimal";
import { lengthOf } from "../../kit/figure";
import { InlineEdit } from "../../kit/inline-edit";
import { StateNote } from "../../kit/state-note";
import { useAfter } from "../../kit/use-after";
import { entryKey, entryKinds, useDesk } from "../desk";
import { useAsk, useBackend } from "../door";
import { explain } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords } from "../words/words";
import { Barcodes } from "./barcodes";
import { Cells } from "./cells";
import { History } from "./history";
import css from "./item.module.css";

export function ItemPanel({ id }: { id: string }) {
  const words = useWords();
  const { t } = words;
  const card = useAsk("items.get", { id });
  const slow = useAfter(card.isPending);
  if (card.isError)
    return (
      <StateNote
        tone="stop"
        icon={<IconAlertTriangle size={32} stroke={1.5} />}
        title={t("common.error")}
        text={explain(card.error, words)}
        action={<Button onClick={() => void card.refetch()}>{t("common.retry")}</Button>}
      />
    );
  if (!card.data)
    return (
      <div className={css.body} role="status" aria-label={t("common.loading")}>
        {slow && [40, 90, 60, 75].map((width) => <Skeleton key={width} height={16} width={`${width}%`} mb={16} />)}
      </div>
    );
  return <Card card={card.data} />;
}

function Card({ card }: { card: ItemCard }) {
  const { t } = useWords();
  const { take } = useDesk();
  return (
    <section
      className={css.panel}
      aria-label={`${t("item.panel")} ${card.sku}`}
      data-testid={T.item.panel}
      data-sku={card.sku}
    >
      <Heading card={card} />
      <div className={css.body}>
        <Numbers card={card} />
        <h3 className={css.section}>{t("item.where")}</h3>
        <Cells card={card} />
        {card.packs.length > 0 && <Packs card={card} />}
        <h3 className={css.section}>{t("item.barcodes")}</h3>
        <Barcodes card={card} />
        <h3 className={css.section}>{t("item.history")}</h3>
        <History item={card} />
      </div>
      <div className={css.actions}>
        {entryKinds.map((kind) => (
          <Button
            key={kind}
            variant={kind === "count" ? "filled" : "default"}
            onClick={() => take({ do: "entry", kind })}
            disabled={card.archived}
            data-testid={T.item.action(kind)}
            className={css.action}
          >
            {t(`entry.${kind}`)}
            <span className={css.actionKey}>{entryKey[kind]}</span>
          </Button>
        ))}
      </div>
    </section>
  );
}

/** Keeps one field of an item; answers with what is wrong, or null. */
function useKeep(card: ItemCard) {
  const backend = useBackend();
  const words = useWords();
  return (field: string, value: string | null) =>
    backend
      .call("items.save", { id: card.id, fields: { [field]: value } })
      .then(() => null)
      .catch((thrown: unknown) => explain(asFailure(thrown), words));
}

function Heading({ card }: { card: ItemCard }) {
  const { t } = useWords();
  const { take } = useDesk();
  const keep = useKeep(card);
  return (
    <header className={css.heading}>
      <div className={css.headline}>
        <InlineEdit
          value={card.sku}
          label={t("item.sku")}
          empty={t("item.not_set")}
          onKeep={(sku) => keep("sku", sku)}
          testid={T.item.sku}
          className={css.sku}
        />
        {card.archived && <span className={css.tag}>{t("item.archived")}</span>}
        {card.pending && (
          <span className={css.pending} data-testid={T.item.pending}>
            <IconArrowUp size={14} stroke={1.5} aria-hidden="true" />
            {t("item.pending")}
          </span>
        )}
        <span className={css.tools}>
          <More card={card} />
          <ActionIcon
            variant="subtle"
            color="gray"
            size="lg"
            aria-label={t("item.close")}
            onClick={() => take({ do: "item", id: null })}
            data-testid={T.item.close}
          >
            <IconX size={18} stroke={1.5} />
          </ActionIcon>
        </span>
      </div>
      <h2 className={css.name}>
        <InlineEdit
          value={card.name}
          label={t("item.name")}
          empty={t("item.no_name")}
          onKeep={(name) => keep("name", name)}
          testid={T.item.name}
        />
      </h2>
    </header>
  );
}

function More({ card }: { card: ItemCard }) {
  const { t } = useWords();
  const backend = useBackend();
  const { fail } = useVoice();
  const archive = () => void backend.call("items.archive", { id: card.id, archived: !card.archived }).catch(fail);
  return (
    <Menu position="bottom-end" returnFocus>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" size="lg" aria-label={t("item.more")} data-testid={T.item.more}>
          <IconDots size={18} stroke={1.5} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item leftSection={<IconArchive size={18} stroke={1.5} />} onClick={archive} data-testid={T.item.archive}>
          {t(card.archived ? "item.restore" : "item.archive")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function Numbers({ card }: { card: ItemCard }) {
  const { t, number } = useWords();
  const onHand = number(card.on_hand, card.scale);
  return (
    <div className={css.numbers}>
      <div className={css.picture} role="img" aria-label={t("item.no_picture")} title={t("item.no_picture")}>
        <IconPhoto size={28} stroke={1.25} />
      </div>
      <div className={css.figures}>
        <div className={css.big} data-below={card.on_hand.startsWith("-")} data-length={lengthOf(onHand)}>
          <span data-testid={T.item.onHand} data-value={card.on_hand}>
            {onHand}
          </span>
          <span className={css.bigUnit}>{card.unit}</span>
        </div>
        <dl className={css.facts}>
          <dt>{t("item.available")}</dt>
          <dd data-testid={T.item.available} data-value={card.available}>
            {number(card.available, card.scale)}
          </dd>
          <dt>{t("item.min")}</dt>
          <dd>
            <Amount card={card} field="min" value={card.min} testid={T.item.min} />
          </dd>
          <dt>{t("item.reorder_point")}</dt>
          <dd>
            <Amount card={card} field="reorder_point" value={card.reorder_point} testid={T.item.reorderPoint} />
          </dd>
        </dl>
      </div>
    </div>
  );
}

type AmountProps = { card: ItemCard; field: "min" | "reorder_point"; value: string | null; testid: string };

function Amount({ card, field, value, testid }: AmountProps) {
  const { t, number, marks } = useWords();
  const keep = useKeep(card);
  const local = value === null ? "" : value.replace(".", marks.decimal);
  const onKeep = async (typed: string) => {
    if (typed === "") return keep(field, null);
    const plain = typedNumber(typed, marks);
    return plain === null ? t("common.needs_qty", { text: typed, example: number("12.5") }) : keep(field, plain);
  };
  return (
    <InlineEdit
      value={local}
      shown={value === null ? "" : number(value, card.scale)}
      label={t(`item.${field}`)}
      empty={t("item.not_set")}
      onKeep={onKeep}
      testid={testid}
    />
  );
}

function Packs({ card }: { card: ItemCard }) {
  const { t, amount, number } = useWords();
  return (
    <>
      <h3 className={css.section}>{t("item.packs")}</h3>
      <div className={css.chips}>
        {card.packs.map((pack) => (
          <span key={pack.code} className={css.chip}>
            {t("item.pack", {
              code: pack.code,
              amount:
                pack.denominator === 1
                  ? amount(String(pack.numerator), card.unit)
                  : `${number(pack.numerator)}/${number(pack.denominator)} ${card.unit}`,
            })}
          </span>
        ))}
      </div>
    </>
  );
}
