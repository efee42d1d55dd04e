// The frame: navigation, search, one page, one side panel, the status bar. Nothing else ever moves.
import { Modal } from "@mantine/core";
import { ConnectForm } from "../connect/connect-form";
import { useDesk } from "../desk";
import css from "../desktop.module.css";
import { useAsk, useChanges } from "../door";
import { EntryPanel } from "../entry/entry-panel";
import { ImportPage } from "../import/import-page";
import { InboxPage } from "../inbox/inbox-page";
import { ItemPanel } from "../item/item-panel";
import { NewItem } from "../item/new-item";
import { LocationsPage } from "../locations/locations-page";
import { useScans } from "../scan/use-scans";
import { SettingsPage } from "../settings/settings-page";
import { StatusBar } from "../status/status-bar";
import { StockPage } from "../stock/stock-page";
import { useWords } from "../words/words";
import { Nav } from "./nav";
import { ShortcutSheet } from "./shortcut-sheet";
import { TopBar } from "./top-bar";
import { useFocus } from "./use-focus";
import { useShortcuts } from "./use-shortcuts";

const pageOf = {
  stock: StockPage,
  locations: LocationsPage,
  inbox: InboxPage,
  import: ImportPage,
  settings: SettingsPage,
};

export function Frame() {
  useChanges();
  useScans();
  useShortcuts();
  const settle = useFocus();
  const { desk } = useDesk();
  const Page = pageOf[desk.page];
  return (
    <div className={css.app}>
      <Nav />
      <TopBar />
      <main className={css.main}>
        <Page />
      </main>
      <Side />
      <StatusBar />
      <ShortcutSheet onGone={settle} />
      <Connect onGone={settle} />
    </div>
  );
}

function Side() {
  const { desk } = useDesk();
  if (!desk.entry && !desk.item && !desk.creating) return null;
  return (
    <aside className={css.side}>
      {desk.entry ? (
        <EntryPanel key={`${desk.entry} ${desk.at?.item} ${desk.at?.location}`} kind={desk.entry} />
      ) : desk.creating ? (
        <NewItem />
      ) : (
        desk.item && <ItemPanel key={desk.item} id={desk.item} />
      )}
    </aside>
  );
}

function Connect({ onGone }: { onGone: () => void }) {
  const { t } = useWords();
  const { desk, take } = useDesk();
  const status = useAsk("app.status", {});
  const close = () => take({ do: "connect", open: false });
  const known = status.data?.server ?? null;
  return (
    <Modal
      opened={desk.connecting}
      onClose={close}
      onExitTransitionEnd={onGone}
      title={t(known ? "settings.move" : "connect.title")}
    >
      <ConnectForm known={known} onDone={close} />
    </Modal>
  );
}
