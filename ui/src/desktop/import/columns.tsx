// Which column of the file means which field, where the headings do not say it by themselves.
import { Autocomplete } from "@mantine/core";
import type { ImportKind } from "../../backend/bindings";
import { fieldName } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./import.module.css";
import { type Chosen, type Found, fieldsOf, mapOf, notTaken } from "./mapping";

type Props = {
  kind: ImportKind | null;
  found: Found;
  chosen: Chosen;
  /** What is not chosen is not taken. */
  filled: boolean;
  onChoose: (chosen: Chosen) => void;
};

/** Fields are called as in the middle of a sentence; a label begins one. */
const capital = (text: string, language: string) => text.charAt(0).toLocaleUpperCase(language) + text.slice(1);

export function Columns({ kind, found, chosen, filled, onChoose }: Props) {
  const words = useWords();
  const { t } = words;
  if (!kind) return <p className={css.hint}>{t("import.map.kind_first")}</p>;
  const headings = [...new Set(found.headings)].filter((heading) => heading.trim() !== "");
  const left = filled ? notTaken(headings, mapOf(kind, chosen)) : [];
  return (
    <fieldset className={css.columns}>
      <legend className={css.hint}>
        {t(`import.map.needs.${kind}`)} {t(headings.length > 0 ? "import.map.choose" : "import.map.type")}{" "}
        {left.length > 0 && <strong>{t("import.map.left", { columns: left.join(", ") })}</strong>}
      </legend>
      {fieldsOf[kind].map((field) => (
        <Autocomplete
          key={field}
          label={capital(fieldName(field, words), words.language)}
          placeholder={t(filled ? "import.map.none" : "import.map.recognised")}
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
