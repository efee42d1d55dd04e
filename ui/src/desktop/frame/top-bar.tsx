// One search for everything, always in the same place. Down goes to the list it filters.
import { ActionIcon, TextInput } from "@mantine/core";
import { IconSearch, IconX } from "@tabler/icons-react";
import { KeyCap } from "../../kit/key-cap";
import { useDesk } from "../desk";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./frame.module.css";
import { focusSearch } from "./use-shortcuts";

export function focusList(): void {
  document.querySelector<HTMLElement>(`[data-testid="${T.stock.list}"]`)?.focus();
}

export function TopBar() {
  const { t } = useWords();
  const { desk, take } = useDesk();
  const status = useAsk("app.status", {});
  return (
    <header className={css.top}>
      <search className={css.search}>
        <TextInput
          value={desk.search}
          onChange={(event) => take({ do: "search", text: event.currentTarget.value })}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "Enter") {
              event.preventDefault();
              focusList();
            }
          }}
          placeholder={t("search.hint")}
          aria-label={t("search.label")}
          aria-keyshortcuts="Control+K /"
          leftSection={<IconSearch size={18} stroke={1.5} />}
          rightSectionWidth={desk.search ? 40 : 64}
          rightSection={
            desk.search ? (
              <ActionIcon
                variant="subtle"
                color="gray"
                aria-label={t("search.clear")}
                onClick={() => {
                  take({ do: "search", text: "" });
                  focusSearch();
                }}
              >
                <IconX size={16} stroke={1.5} />
              </ActionIcon>
            ) : (
              <KeyCap keys={t("keys.ctrl", { key: "K" })} />
            )
          }
          data-testid={T.search}
          data-scan="off"
          spellCheck={false}
        />
      </search>
      <div className={css.who}>
        {status.data?.organisation && <span className={css.org}>{status.data.organisation}</span>}
        {status.data?.person && (
          <span className={css.person} title={status.data.person.name}>
            {status.data.person.name}
          </span>
        )}
      </div>
    </header>
  );
}
