// Every key there is, on one sheet.
import { Modal } from "@mantine/core";
import { KeyCap } from "../../kit/key-cap";
import { entryKey, entryKinds, useDesk } from "../desk";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./frame.module.css";

export function ShortcutSheet({ onGone }: { onGone: () => void }) {
  const { t } = useWords();
  const { desk, take } = useDesk();
  const groups: [string, [string, string][]][] = [
    [
      t("keys.anywhere"),
      [
        [`/   ${t("keys.ctrl", { key: "K" })}`, t("keys.search")],
        ["Alt 1–5", t("keys.pages")],
        [t("keys.ctrl", { key: "Z" }), t("keys.undo")],
        ["Esc", t("keys.back")],
        ["?", t("keys.sheet")],
      ],
    ],
    [t("nav.actions"), entryKinds.map((kind) => [entryKey[kind], t(`entry.${kind}`)])],
    [
      t("keys.lists"),
      [
        ["↑ ↓", t("keys.move")],
        ["↵", t("keys.open")],
      ],
    ],
    [t("keys.entry"), [["↵", t("keys.enter")]]],
  ];
  return (
    <Modal
      opened={desk.sheet}
      onClose={() => take({ do: "sheet", open: false })}
      onExitTransitionEnd={onGone}
      title={t("keys.title")}
      size={560}
      data-testid={T.shortcuts}
    >
      <div className={css.sheet}>
        {groups.map(([title, rows]) => (
          <section key={title}>
            <h3 className={css.sheetTitle}>{title}</h3>
            {rows.map(([keys, what]) => (
              <div key={keys} className={css.sheetRow}>
                <span>{what}</span>
                <KeyCap keys={keys} />
              </div>
            ))}
          </section>
        ))}
      </div>
    </Modal>
  );
}
