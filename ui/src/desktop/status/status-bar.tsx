// The state of things, always visible and never shouting: only what needs a person is coloured.
import { Menu, Switch, UnstyledButton } from "@mantine/core";
import { IconArrowUp, IconChevronUp, IconInbox, IconLink, IconPlugConnectedX, IconRefresh } from "@tabler/icons-react";
import type { Connection, Status } from "../../backend/bindings";
import { useNow } from "../../kit/use-now";
import { useDesk } from "../desk";
import { useAsk, useBackend } from "../door";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords, type Words } from "../words/words";
import css from "./status.module.css";

function connectionText(connection: Connection, { t, moment }: Words): string {
  switch (connection.state) {
    case "online":
      return t("sync.online");
    case "offline":
      return t(connection.cut ? "sync.cut" : "sync.offline", { time: moment(connection.since) });
    case "never_connected":
      return t("sync.never");
    case "signed_out":
      return t("sync.signed_out");
    case "upgrade_required":
      return t("sync.upgrade");
  }
}

export function StatusBar() {
  const words = useWords();
  const { t } = words;
  const now = useNow();
  const { take } = useDesk();
  const { data: status } = useAsk("app.status", {}, { refetchMs: 5_000 });
  if (!status) return <footer className={css.bar} data-testid={T.status.bar} />;
  const needs = status.connection.state === "signed_out" || status.connection.state === "upgrade_required";
  return (
    <footer className={css.bar} data-testid={T.status.bar}>
      <ConnectionMenu status={status}>
        <UnstyledButton
          className={css.part}
          aria-label={`${t("sync.menu")}: ${connectionText(status.connection, words)}`}
          data-testid={T.status.menu}
        >
          <span className={css.dot} data-state={status.connection.state} data-needs={needs} />
          <span
            data-testid={T.status.connection}
            data-state={status.connection.state}
            data-needs={needs}
            className={css.connection}
          >
            {connectionText(status.connection, words)}
          </span>
          <IconChevronUp size={14} stroke={1.5} />
        </UnstyledButton>
      </ConnectionMenu>
      <span className={css.part} data-testid={T.status.waiting} data-count={status.outbox.count}>
        <IconArrowUp size={14} stroke={1.5} aria-hidden="true" />
        {status.outbox.count > 0 && status.outbox.oldest && now - Date.parse(status.outbox.oldest) > 60_000
          ? t("sync.waiting_oldest", { n: status.outbox.count, age: words.age(status.outbox.oldest, now) })
          : t("sync.waiting", { n: status.outbox.count })}
      </span>
      <Progress status={status} />
      {status.server && !status.progress && (
        <span className={css.part} data-testid={T.status.lastSync}>
          {status.last_sync ? t("sync.up_to_date", { ago: words.ago(status.last_sync, now) }) : t("sync.not_yet")}
        </span>
      )}
      {status.inbox > 0 && (
        <UnstyledButton
          className={`${css.part} ${css.needs}`}
          onClick={() => take({ do: "go", page: "inbox" })}
          data-testid={T.status.inbox}
          data-count={status.inbox}
        >
          <IconInbox size={14} stroke={1.5} aria-hidden="true" />
          {t("sync.inbox", { n: status.inbox })}
        </UnstyledButton>
      )}
      <span className={css.device} data-testid={T.status.device}>
        {status.device.name} · {status.version}
      </span>
    </footer>
  );
}

function Progress({ status }: { status: Status }) {
  const { t, number } = useWords();
  const { progress } = status;
  if (!progress) return null;
  const share = progress.total ? Math.min(1, progress.done / progress.total) : null;
  const amount =
    progress.total === null
      ? number(progress.done)
      : t("sync.progress.of", { done: progress.done, total: progress.total });
  const megabytes =
    progress.bytes === null || progress.total_bytes === null
      ? ""
      : ` · ${number(Math.round(progress.bytes / 1e5) / 10)} / ${number(Math.round(progress.total_bytes / 1e5) / 10)} MB`;
  return (
    <span className={css.part} data-testid={T.status.progress}>
      {t(`sync.progress.${progress.phase}`)} {amount}
      {megabytes}
      {share !== null && (
        <span className={css.track} aria-hidden="true">
          <span className={css.fill} style={{ width: `${share * 100}%` }} />
        </span>
      )}
    </span>
  );
}

function ConnectionMenu({ status, children }: { status: Status; children: React.ReactElement }) {
  const { t } = useWords();
  const backend = useBackend();
  const { take } = useDesk();
  const { say, fail } = useVoice();
  const cut = status.connection.state === "offline" && status.connection.cut;
  const sync = () =>
    backend
      .call("sync.now", {})
      .then(() => say({ tone: "ok", text: t("sync.done") }))
      .catch(fail);
  const pull = () =>
    backend
      .call("app.cut", { cut: !cut })
      .then(() => say({ tone: "ok", text: t(cut ? "sync.restored" : "sync.pulled") }))
      .catch(fail);
  return (
    <Menu position="top-start" width={300} closeOnItemClick returnFocus>
      <Menu.Target>{children}</Menu.Target>
      <Menu.Dropdown>
        <Menu.Item
          leftSection={<IconRefresh size={18} stroke={1.5} />}
          onClick={sync}
          disabled={!status.server}
          data-testid={T.status.syncNow}
        >
          {t("sync.menu.now")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconPlugConnectedX size={18} stroke={1.5} />}
          rightSection={<Switch checked={cut} readOnly tabIndex={-1} aria-hidden="true" size="sm" />}
          role="menuitemcheckbox"
          aria-checked={cut}
          onClick={pull}
          disabled={!status.server}
          data-testid={T.status.cut}
        >
          {t("sync.menu.cut")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconLink size={18} stroke={1.5} />}
          onClick={() => take({ do: "connect", open: true })}
          data-testid={T.status.connect}
        >
          {t(status.server ? "sync.menu.move" : "sync.menu.connect")}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
