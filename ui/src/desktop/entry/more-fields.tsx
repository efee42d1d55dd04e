// What is seldom needed, folded away until it is.
import { NativeSelect, TextInput, UnstyledButton } from "@mantine/core";
import { useState } from "react";
import type { StockStatus } from "../../backend/bindings";
import type { EntryKind } from "../desk";
import { T } from "../testids";
import { useWords } from "../words/words";
import { CostFields } from "./cost-fields";
import type { Draft, Stage } from "./draft";
import css from "./entry.module.css";

const statuses: StockStatus[] = ["available", "quarantine", "damaged", "hold"];

type Props = { kind: EntryKind; open: boolean; stage: Stage; set: (patch: Partial<Draft>) => void };

export function MoreFields({ kind, stage, set, open }: Props) {
  const { t } = useWords();
  const [wanted, setWanted] = useState(false);
  const shown = wanted || open;
  return (
    <>
      <UnstyledButton
        className={css.more}
        onClick={() => setWanted(!shown)}
        aria-expanded={shown}
        data-testid={T.entry.more}
      >
        {t(shown ? "entry.less" : "entry.more")}
      </UnstyledButton>
      {shown && <Fields kind={kind} stage={stage} set={set} />}
    </>
  );
}

function Fields({ kind, stage, set }: Omit<Props, "open">) {
  const { t } = useWords();
  const { draft } = stage;
  const options = statuses.map((value) => ({ value, label: t(`status.${value}`) }));
  return (
    <>
      <div className={css.pair}>
        <NativeSelect
          label={t("entry.status")}
          value={draft.status}
          onChange={(e) => set({ status: e.currentTarget.value as StockStatus })}
          data={options}
          data-testid={T.entry.status}
        />
        {kind === "move" && (
          <NativeSelect
            label={t("entry.to_status")}
            value={draft.toStatus}
            onChange={(e) => set({ toStatus: e.currentTarget.value as StockStatus | "" })}
            data={[{ value: "", label: t("entry.to_status.same") }, ...options]}
            data-testid={T.entry.toStatus}
          />
        )}
        {kind !== "move" && kind !== "count" && (
          <TextInput
            label={t("entry.reference")}
            value={draft.reference}
            onChange={(e) => set({ reference: e.currentTarget.value })}
            data-scan="off"
            data-testid={T.entry.reference}
          />
        )}
      </div>
      <TextInput
        label={t("entry.note")}
        value={draft.note}
        onChange={(e) => set({ note: e.currentTarget.value })}
        data-scan="off"
        data-testid={T.entry.note}
      />
      {kind === "receive" && <CostFields stage={stage} onChange={set} />}
    </>
  );
}
