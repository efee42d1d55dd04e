// The fields of an entry that know something: items, places, lots.
import { Autocomplete, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useState } from "react";
import type { ItemCard } from "../../backend/bindings";
import { add } from "../../kit/decimal";
import { useAsk, useBackend } from "../door";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords } from "../words/words";
import { type Draft, type Stage, shownLocation, shownLot } from "./draft";
import css from "./entry.module.css";

const floating = { transitionProps: { duration: 0 }, shadow: "md" };

/** What a list under a field offers: nothing once the only thing it could offer is written out. */
function offered(codes: string[], typed: string): string[] {
  const wanted = typed.trim().toUpperCase();
  const fitting = codes.filter((code) => code.toUpperCase().includes(wanted));
  return fitting.length === 1 && fitting[0]?.toUpperCase() === wanted ? [] : fitting;
}

export function ItemField({ card, onChoose }: { card: ItemCard | null; onChoose: (id: string) => void }) {
  const { t } = useWords();
  const backend = useBackend();
  const { fail } = useVoice();
  const [text, setText] = useState(card?.sku ?? "");
  const [search] = useDebouncedValue(text.trim(), 60);
  const typing = text.trim() !== "" && text !== card?.sku;
  const found =
    useAsk("items.list", { search, offset: 0, limit: 8 }, { enabled: typing && search !== "", keepPrevious: true }).data
      ?.rows ?? [];
  const names = new Map(found.map((row) => [row.sku, row.name]));
  useEffect(() => {
    if (card) setText(card.sku);
  }, [card]);
  const choose = (sku: string) => {
    const row = found.find((one) => one.sku === sku);
    if (row) onChoose(row.id);
  };
  /** Enter does not wait for the list: the exact code first, then the only item that fits. */
  const find = async (typed: string) => {
    try {
      const hit = await backend.call("scan.resolve", { code: typed });
      if (hit.hit === "item" || hit.hit === "lot") return onChoose(hit.item);
      const { rows, total } = await backend.call("items.list", { search: typed, offset: 0, limit: 1 });
      if (total === 1 && rows[0]) onChoose(rows[0].id);
    } catch (thrown) {
      fail(thrown);
    }
  };
  return (
    <div data-field="item">
      <Autocomplete
        label={t("entry.item")}
        placeholder={t("entry.item.hint")}
        description={card && !typing ? card.name || t("item.no_name") : undefined}
        inputWrapperOrder={["label", "input", "description", "error"]}
        value={text}
        onChange={setText}
        maxDropdownHeight={300}
        data={typing ? found.map((row) => row.sku) : []}
        filter={({ options }) => options}
        renderOption={({ option }) => (
          <span className={css.option}>
            <span>{option.value}</span>
            <span className={css.optionText}>{names.get(option.value)}</span>
          </span>
        )}
        onOptionSubmit={choose}
        onKeyDown={(event) => {
          const chosen = event.currentTarget.hasAttribute("aria-activedescendant");
          if (event.key !== "Enter" || !typing || chosen) return;
          event.preventDefault();
          void find(text.trim());
        }}
        classNames={{ description: css.itemName, input: css.itemInput }}
        comboboxProps={floating}
        spellCheck={false}
        data-testid={T.entry.item}
      />
    </div>
  );
}

type PlaceProps = {
  label: string;
  field: "location" | "to";
  stage: Stage;
  value: string;
  onChange: (code: string) => void;
  testid: string;
};

/** A place by its code. The places the item is in come first, with how much is there. */
export function PlaceField({ label, field, stage, value, onChange, testid }: PlaceProps) {
  const { t, amount } = useWords();
  const { card, places } = stage;
  const held = new Map<string, string>();
  for (const cell of card?.cells ?? [])
    held.set(cell.location.code, add(held.get(cell.location.code) ?? "0", cell.on_hand));
  const names = new Map(places.map((place) => [place.code, place.name]));
  const codes = [...new Set([...[...held.keys()].filter((code) => names.has(code)), ...names.keys()])];
  const beside = (code: string) => {
    const here = held.get(code);
    return card && here !== undefined ? amount(here, card.unit, card.scale) : "";
  };
  return (
    <div data-field={field}>
      <Autocomplete
        label={label}
        placeholder={t("entry.location.hint")}
        value={value}
        onChange={onChange}
        data={offered(codes, value)}
        limit={8}
        maxDropdownHeight={300}
        renderOption={({ option }) => (
          <span className={css.option}>
            <span>{option.value}</span>
            <span className={css.optionText}>{names.get(option.value)}</span>
            <span className={css.optionAmount}>{beside(option.value)}</span>
          </span>
        )}
        comboboxProps={floating}
        spellCheck={false}
        data-testid={testid}
      />
    </div>
  );
}

export function LotFields({ stage, onChange }: { stage: Stage; onChange: (patch: Partial<Draft>) => void }) {
  const { t } = useWords();
  const { card, draft, kind } = stage;
  if (!card || card.tracking === "none") return null;
  const here = shownLocation(stage).toUpperCase();
  const near = card.cells.filter(
    (cell) => kind === "receive" || here === "" || cell.location.code.toUpperCase() === here,
  );
  const codes = [...new Set(near.map((cell) => cell.lot?.code).filter((code) => code !== undefined))];
  const serial = card.tracking === "serial";
  const typed = serial ? draft.serial : shownLot(stage);
  const known = card.cells.find((cell) => cell.lot?.code === shownLot(stage))?.lot;
  return (
    <div className={css.pair}>
      <div data-field={serial ? "serial" : "lot"}>
        <Autocomplete
          label={t(serial ? "entry.serial" : "entry.lot")}
          value={typed}
          onChange={(text) => onChange(serial ? { serial: text } : { lot: text })}
          data={offered(codes, typed)}
          limit={8}
          comboboxProps={floating}
          spellCheck={false}
          data-testid={serial ? T.entry.serial : T.entry.lot}
        />
      </div>
      {!serial && (kind === "receive" || kind === "count" || kind === "adjust") && (
        <TextInput
          label={t("entry.expiry")}
          placeholder={t("entry.expiry.hint")}
          value={known?.expiry ?? draft.expiry}
          disabled={known?.expiry != null}
          onChange={(event) => onChange({ expiry: event.currentTarget.value })}
          data-testid={T.entry.expiry}
        />
      )}
    </div>
  );
}
