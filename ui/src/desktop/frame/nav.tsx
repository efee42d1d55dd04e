// The way around: pages above, the things one records below, always in the same order.
import { UnstyledButton } from "@mantine/core";
import {
  IconAdjustments,
  IconArrowBarToDown,
  IconArrowBarUp,
  IconArrowsExchange,
  IconBox,
  IconClipboardCheck,
  IconFileImport,
  IconInbox,
  IconMapPin,
  IconSettings,
} from "@tabler/icons-react";
import type { ComponentType } from "react";
import { KeyCap } from "../../kit/key-cap";
import { type EntryKind, entryKey, entryKinds, type Page, pages, useDesk } from "../desk";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./frame.module.css";

type Icon = ComponentType<{ size?: number; stroke?: number }>;
const pageIcons: Record<Page, Icon> = {
  stock: IconBox,
  locations: IconMapPin,
  inbox: IconInbox,
  import: IconFileImport,
  settings: IconSettings,
};
export const entryIcons: Record<EntryKind, Icon> = {
  receive: IconArrowBarToDown,
  issue: IconArrowBarUp,
  move: IconArrowsExchange,
  adjust: IconAdjustments,
  count: IconClipboardCheck,
};

export function Nav() {
  const { t, number } = useWords();
  const { desk, take } = useDesk();
  const status = useAsk("app.status", {});
  const inbox = status.data?.inbox ?? 0;
  return (
    <nav className={css.nav} aria-label={t("nav.label")}>
      <div className={css.brand}>{t("app.name")}</div>
      {pages.map((page, n) => {
        const Icon = pageIcons[page];
        const name = t(`nav.${page}`);
        return (
          <UnstyledButton
            key={page}
            className={css.navItem}
            data-here={desk.page === page}
            title={t("nav.with_key", { name, key: t("keys.alt", { key: String(n + 1) }) })}
            aria-label={page === "inbox" && inbox > 0 ? `${name}, ${t("sync.inbox", { n: inbox })}` : name}
            aria-keyshortcuts={`Alt+${n + 1}`}
            aria-current={desk.page === page ? "page" : undefined}
            onClick={() => take({ do: "go", page })}
            data-testid={T.nav[page]}
          >
            <Icon size={20} stroke={1.5} />
            <span className={css.navText}>{name}</span>
            {page === "inbox" && inbox > 0 && (
              <span className={css.badge} data-testid={T.nav.inboxCount}>
                {number(inbox)}
              </span>
            )}
          </UnstyledButton>
        );
      })}
      <div className={css.navHead}>
        <span>{t("nav.actions")}</span>
      </div>
      {entryKinds.map((kind) => {
        const Icon = entryIcons[kind];
        const name = t(`entry.${kind}`);
        return (
          <UnstyledButton
            key={kind}
            className={css.navItem}
            data-here={desk.entry === kind}
            data-entry="true"
            title={t("nav.with_key", { name, key: entryKey[kind] })}
            aria-label={name}
            aria-keyshortcuts={entryKey[kind]}
            onClick={() => take({ do: "entry", kind })}
            data-testid={T.nav[kind]}
          >
            <Icon size={20} stroke={1.5} />
            <span className={css.navText}>{name}</span>
            <KeyCap keys={entryKey[kind]} />
          </UnstyledButton>
        );
      })}
    </nav>
  );
}
