// Which column of the file means which field, where the headings do not say it by themselves.
import { Autocomplete } from "@mantine/core";
import type { ImportKind } from "../../backend/bindings";
import { fieldName } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./import.module.css";
import { type Chosen, type Found, fieldsOf } from "./mapping";

type Props = { kind: ImportKind | null; found: Found; chosen: Chosen; onChoose: (chosen: Chosen) => void };

export function Columns({ kind, found, chosen, onChoose }: Props) {
  const words = useWords();
  const { t } = words;
  if (!kind) return <p className={css.hint}>{t("import.map.kind_first")}</p>;
  const headings = [...new Set(found.headings)].filter((heading) => heading.trim() !== "");
  return (
    <fieldset className={css.columns}>
      <legend className={css.hint}>
        {t(`import.map.needs.${kind}`)} {t(found.whole ? "import.map.choose" : "import.map.type")}
      </legend>
      {fieldsOf[kind].map((field) => (
        <Autocomplete
          key={field}
          label={fieldName(field, words)}
          placeholder={t("import.map.recognised")}
          value={chosen[field] ?? ""}
          onChange={(heading) => onChoose({ ...chosen, [field]: heading })}
          data={headings}
          filter={({ options }) => options}
          maxDropdownHeight={300}
          comboboxProps={{ transitionProps: { duration: 0 }, shadow: "md" }}
          spellCheck={false}
          data-scan="off"
          data-testid={T.import.column(field)}
        />
      ))}
    </fieldset>
  );
}
