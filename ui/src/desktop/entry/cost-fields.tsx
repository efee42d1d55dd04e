// The cost of a receipt and its currency. Wrong input is told at the field as it is typed.
import { TextInput } from "@mantine/core";
import { T } from "../testids";
import { type CostFault, costFault, keepCurrency, shownCurrency } from "./cost";
import type { Draft, Stage } from "./draft";
import css from "./entry.module.css";

export function CostFields({ stage, onChange }: { stage: Stage; onChange: (patch: Partial<Draft>) => void }) {
  const { card, draft, words } = stage;
  const { t } = words;
  const fault = costFault(stage);
  const at = (field: CostFault["field"]) => (fault?.field === field ? fault.text : null);
  return (
    <div className={css.cost}>
      <div data-field="cost">
        <TextInput
          label={card ? t("entry.cost.per", { unit: card.unit }) : t("entry.cost")}
          value={draft.cost}
          onChange={(event) => onChange({ cost: event.currentTarget.value })}
          error={at("cost")}
          classNames={{ input: css.figures }}
          inputMode="decimal"
          data-scan="off"
          data-testid={T.entry.cost}
        />
      </div>
      <div data-field="currency">
        <TextInput
          label={t("entry.currency")}
          value={shownCurrency(stage)}
          onChange={(event) => onChange({ currency: keepCurrency(event.currentTarget.value) })}
          error={at("currency")}
          maxLength={3}
          spellCheck={false}
          data-scan="off"
          data-testid={T.entry.currency}
        />
      </div>
    </div>
  );
}
