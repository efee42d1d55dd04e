// The fields of an entry that know something: items, places, lots.
import { Autocomplete, TextInput } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useEffect, useState } from "react";
import type { ItemCard, LocationRow } from "../../backend/bindings";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import { type Draft, type Stage, shownLocation, shownLot } from "./draft";
import css from "./entry.module.css";

export function ItemField({ card, onChoose }: { card: ItemCard | null; onChoose: (id: string) => void }) {
  const { t } = useWords();
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
    const row = found.find((one) => one.sku.toUpperCase() === sku.toUpperCase());
    if (row) onChoose(row.id);
    return row !== undefined;
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
          if (event.key !== "Enter" || !typing) return;
          const chosen = choose(text.trim()) || (found.length === 1 && choose(found[0]?.sku ?? ""));
          if (chosen) event.preventDefault();
        }}
        classNames={{ description: css.itemName, input: css.itemInput }}
        comboboxProps={{ transitionProps: { duration: 0 } }}
        spellCheck={false}
        data-testid={T.entry.item}
      />
    </div>
  );
}

type PlaceProps = {
  label: string;
  field: "location" | "to";
  places: LocationRow[];
  value: string;
  onChange: (code: string) => void;
  testid: string;
};

export function PlaceField({ label, field, places, value, onChange, testid }: PlaceProps) {
  const { t } = useWords();
  const names = new Map(places.map((place) => [place.code, place.name]));
  return (
    <div data-field={field}>
      <Autocomplete
        label={label}
        placeholder={t("entry.location.hint")}
        value={value}
        onChange={onChange}
        data={[...names.keys()]}
        limit={8}
        renderOption={({ option }) => (
          <span className={css.option}>
            <span>{option.value}</span>
            <span className={css.optionText}>{names.get(option.value)}</span>
          </span>
        )}
        comboboxProps={{ transitionProps: { duration: 0 } }}
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
  const known = card.cells.find((cell) => cell.lot?.code === shownLot(stage))?.lot;
  return (
    <div className={css.pair}>
      <div data-field={serial ? "serial" : "lot"}>
        <Autocomplete
          label={t(serial ? "entry.serial" : "entry.lot")}
          value={serial ? draft.serial : shownLot(stage)}
          onChange={(text) => onChange(serial ? { serial: text } : { lot: text })}
          data={codes}
          limit={8}
          comboboxProps={{ transitionProps: { duration: 0 } }}
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
