// One thing at a time: what, where, how much. The quantity is the largest thing here; Enter records
// it and the panel stays for the next.
import { ActionIcon, Alert, Button, NativeSelect } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type FormEvent, useEffect, useRef } from "react";
import type { ReasonRow } from "../../backend/bindings";
import { KeyCap } from "../../kit/key-cap";
import { type EntryKind, entryKey, useDesk } from "../desk";
import { T } from "../testids";
import { useWords } from "../words/words";
import { costFault } from "./cost";
import { type Draft, type FieldName, fitting, readQty, type Stage, shownLocation } from "./draft";
import css from "./entry.module.css";
import { ItemField, LotFields, PlaceField } from "./fields";
import { MoreFields } from "./more-fields";
import { Quantity } from "./quantity";
import { ResultLine } from "./result-line";
import { useEntry } from "./use-entry";

export function EntryPanel({ kind }: { kind: EntryKind }) {
  const { t } = useWords();
  const entry = useEntry(kind);
  const { stage, set } = entry;
  const form = useRef<HTMLFormElement>(null);
  useFocus(form, entry.focus, stage.card !== null, entry.placed);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const at = document.activeElement?.closest("[data-field]")?.getAttribute("data-field");
    entry.enter((at as FieldName | null) ?? null);
  };
  return (
    <form
      ref={form}
      className={css.panel}
      onSubmit={submit}
      noValidate
      autoComplete="off"
      aria-label={t(`entry.${kind}`)}
      data-testid={T.entry.panel}
      data-kind={kind}
    >
      <Heading kind={kind} />
      <div className={css.body}>
        <ItemField card={stage.card} onChoose={entry.chooseItem} />
        <Places stage={stage} set={set} />
        <LotFields stage={stage} onChange={set} />
        <Quantity stage={stage} onChange={(qty) => set({ qty })} />
        {(kind === "adjust" || kind === "issue") && <Reason stage={stage} set={set} reasons={entry.reasons} />}
        <MoreFields
          kind={kind}
          stage={stage}
          set={set}
          open={costFault(stage) !== null || entry.reasons.some((r) => r.id === stage.draft.reason && r.note_required)}
        />
        {entry.fault && (
          <Alert color="red" variant="light" className={css.fault} data-testid={T.entry.fault}>
            {entry.fault}
          </Alert>
        )}
      </div>
      <footer className={css.foot}>
        {entry.last && <ResultLine result={entry.last} />}
        <Button type="submit" fullWidth className={css.record} data-testid={T.entry.record}>
          {t(`entry.record.${kind}`)}
          <span className={css.recordKey} aria-hidden="true">
            ↵
          </span>
        </Button>
      </footer>
    </form>
  );
}

function Heading({ kind }: { kind: EntryKind }) {
  const { t } = useWords();
  const { take } = useDesk();
  return (
    <header className={css.heading}>
      <h2 className={css.title} data-testid={T.entry.title}>
        {t(`entry.${kind}`)}
      </h2>
      <KeyCap keys={entryKey[kind]} />
      <ActionIcon
        className={css.close}
        variant="subtle"
        color="gray"
        size="lg"
        aria-label={t("entry.close")}
        title={t("entry.close")}
        onClick={() => take({ do: "back" })}
        data-testid={T.entry.close}
      >
        <IconX size={18} stroke={1.5} />
      </ActionIcon>
    </header>
  );
}

type PartProps = { stage: Stage; set: (patch: Partial<Draft>) => void };

function Places({ stage, set }: PartProps) {
  const { t } = useWords();
  const { kind } = stage;
  return (
    <div className={kind === "move" ? css.pair : undefined}>
      <PlaceField
        label={t(`entry.location.${kind}`)}
        field="location"
        stage={stage}
        value={shownLocation(stage)}
        onChange={(location) => set({ location })}
        testid={T.entry.location}
      />
      {kind === "move" && (
        <PlaceField
          label={t("entry.to")}
          field="to"
          stage={stage}
          value={stage.draft.to}
          onChange={(to) => set({ to })}
          testid={T.entry.to}
        />
      )}
    </div>
  );
}

function Reason({ stage, set, reasons }: PartProps & { reasons: ReasonRow[] }) {
  const { t } = useWords();
  const negative = readQty(stage)?.plain.startsWith("-") ?? false;
  return (
    <div data-field="reason">
      <NativeSelect
        label={t("entry.reason")}
        value={stage.draft.reason}
        onChange={(event) => set({ reason: event.currentTarget.value })}
        onKeyDown={(event) => {
          if (event.key === "Enter") {
            event.preventDefault();
            event.currentTarget.form?.requestSubmit();
          }
        }}
        data={[
          { value: "", label: t("entry.reason.none") },
          ...fitting(stage.kind, reasons, negative).map((r) => ({
            value: r.id,
            label: r.name || r.code,
          })),
        ]}
        data-testid={T.entry.reason}
      />
    </div>
  );
}

/** Puts the focus where the next keystroke belongs, at the start and whenever the entry asks. */
function useFocus(
  form: React.RefObject<HTMLFormElement | null>,
  focus: { field: FieldName; n: number } | null,
  hasItem: boolean,
  hasPlace: boolean,
): void {
  const first = useRef<FieldName>(hasItem ? (hasPlace ? "qty" : "location") : "item");
  const wanted = focus?.field ?? first.current;
  const n = focus?.n ?? 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: n asks again for the same field
  useEffect(() => {
    const field = form.current?.querySelector<HTMLElement>(`[data-field="${wanted}"] :is(input, select)`);
    field?.focus();
    if (field instanceof HTMLInputElement) field.select();
  }, [wanted, n, form]);
}
