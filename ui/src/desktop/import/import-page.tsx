// A file is read whole and every bad row is shown before anything is written. It is named, or dropped
// on the window.
import { Alert, Button, NativeSelect, TextInput } from "@mantine/core";
import { IconChevronDown, IconChevronUp, IconCircleCheck } from "@tabler/icons-react";
import type { FormEvent } from "react";
import type { ImportKind } from "../../backend/bindings";
import { T } from "../testids";
import { useWords } from "../words/words";
import { Columns } from "./columns";
import css from "./import.module.css";
import { kinds } from "./mapping";
import { Report, Running } from "./report";
import { useImport } from "./use-import";

export function ImportPage() {
  const { t } = useWords();
  const bringing = useImport();
  const { source, report, busy, columnsOpen } = bringing;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    void bringing.ask("preview");
  };
  const Chevron = columnsOpen ? IconChevronUp : IconChevronDown;
  return (
    <div className={css.page}>
      <h1 className={css.title}>{t("import.title")}</h1>
      <p className={css.intro}>{t("import.intro")}</p>
      <form onSubmit={submit}>
        <div className={css.form}>
          <TextInput
            label={t("import.path")}
            placeholder={t("import.path.hint")}
            value={source.path}
            onChange={(e) => bringing.choosePath(e.currentTarget.value)}
            data-scan="off"
            data-testid={T.import.path}
            spellCheck={false}
          />
          <NativeSelect
            label={t("import.kind")}
            value={source.kind}
            onChange={(e) => bringing.chooseKind(e.currentTarget.value as ImportKind | "auto")}
            data={[
              { value: "auto", label: t("import.kind.auto") },
              ...kinds.map((value) => ({ value, label: t(`import.kind.${value}`) })),
            ]}
            data-testid={T.import.kind}
          />
          <Button
            type="submit"
            variant={report ? "default" : "filled"}
            loading={busy === "preview"}
            disabled={!source.path.trim()}
            data-testid={T.import.preview}
          >
            {t("import.preview")}
          </Button>
        </div>
        <Button
          variant="subtle"
          size="compact-sm"
          className={css.toggle}
          rightSection={<Chevron size={16} stroke={1.5} />}
          aria-expanded={columnsOpen}
          onClick={bringing.toggleColumns}
          data-testid={T.import.columns}
        >
          {t("import.map")}
        </Button>
        {columnsOpen && (
          <Columns
            kind={bringing.kind}
            found={bringing.found}
            chosen={source.chosen}
            filled={source.filled}
            onChoose={(chosen) => bringing.change({ chosen })}
          />
        )}
      </form>
      {bringing.fault && (
        <Alert color="red" variant="light" className={css.fault} data-testid={T.import.fault}>
          {bringing.fault}
        </Alert>
      )}
      {busy === "run" && <Running />}
      {bringing.done !== null && (
        <p className={css.done} role="status" data-testid={T.import.done}>
          <IconCircleCheck size={20} stroke={1.5} aria-hidden="true" />
          {t("import.done", { n: bringing.done })}
        </p>
      )}
      {report && (
        <Report
          report={report}
          running={busy === "run"}
          onRun={bringing.done === null ? () => void bringing.ask("run") : null}
        />
      )}
    </div>
  );
}
