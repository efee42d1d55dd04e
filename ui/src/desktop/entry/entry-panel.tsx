// One thing at a time: what, where, how much. The quantity is the largest thing here; Enter records
// it and the panel stays for the next.
import { ActionIcon, Alert, Button, NativeSelect, TextInput, UnstyledButton } from "@mantine/core";
import { IconArrowBackUp, IconCheck, IconX } from "@tabler/icons-react";
import { type FormEvent, Fragment, useEffect, useRef, useState } from "react";
import type { StockStatus } from "../../backend/bindings";
import { KeyCap } from "../../kit/key-cap";
import { type EntryKind, entryKey, useDesk } from "../desk";
import { T } from "../testids";
import { useWords } from "../words/words";
import { costFault } from "./cost";
import { CostFields } from "./cost-fields";
import { type FieldName, fitting, readQty, shownLocation } from "./draft";
import css from "./entry.module.css";
import { ItemField, LotFields, PlaceField } from "./fields";
import { Quantity } from "./quantity";
import { useUndo } from "./undo";
import { type Result, useEntry } from "./use-entry";

const statuses: StockStatus[] = ["available", "quarantine", "damaged", "hold"];

export function EntryPanel({ kind }: { kind: EntryKind }) {
  const { t } = useWords();
  const { take } = useDesk();
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
      <div className={css.body}>
        <ItemField card={stage.card} onChoose={entry.chooseItem} />
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
        <LotFields stage={stage} onChange={set} />
        <Quantity stage={stage} onChange={(qty) => set({ qty })} />
        {(kind === "adjust" || kind === "issue") && (
          <div data-field="reason">
            <NativeSelect
              label={t("entry.reason")}
              value={stage.draft.reason}
              onChange={(event) => set({ reason: event.currentTarget.value })}
              onKeyDown={(event) => {
                if (event.key === "Enter") {
                  event.preventDefault();
                  form.current?.requestSubmit();
                }
              }}
              data={[
                { value: "", label: t("entry.reason.none") },
                ...fitting(kind, entry.reasons, readQty(stage)?.plain.startsWith("-") ?? false).map((r) => ({
                  value: r.id,
                  label: r.name || r.code,
                })),
              ]}
              data-testid={T.entry.reason}
            />
          </div>
        )}
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
        {entry.result && <ResultLine result={entry.result} />}
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

function ResultLine({ result }: { result: Result }) {
  const { t } = useWords();
  const { undo } = useUndo();
  return (
    <div className={css.result}>
      <IconCheck size={18} stroke={1.5} aria-hidden="true" />
      <span className={css.resultText} data-testid={T.entry.result} data-state={result.state}>
        <Unbroken text={result.text} />
      </span>
      {result.undoable && (
        <Button
          variant="subtle"
          size="compact-sm"
          leftSection={<IconArrowBackUp size={16} stroke={1.5} />}
          onClick={() => void undo()}
          data-testid={T.entry.undo}
          aria-keyshortcuts="Control+Z"
        >
          {t("entry.undo")}
        </Button>
      )}
    </div>
  );
}

/** Words that stay whole: a code like A-02-1 is not split at its hyphens. */
function Unbroken({ text }: { text: string }) {
  return text.split(" ").map((word, n) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the words have no other identity
    <Fragment key={n}>
      {n > 0 && " "}
      <span className={css.word}>{word}</span>
    </Fragment>
  ));
}

type MoreProps = { kind: EntryKind; open: boolean } & Pick<ReturnType<typeof useEntry>, "stage" | "set">;

function MoreFields({ kind, stage, set, open }: MoreProps) {
  const { t } = useWords();
  const [wanted, setWanted] = useState(false);
  const { draft } = stage;
  const shown = wanted || open;
  const options = statuses.map((value) => ({ value, label: t(`status.${value}`) }));
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
      {shown && (
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
      )}
    </>
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
