// How the window looks and speaks, and who and where this device is.
import { Button, SegmentedControl, useMantineColorScheme } from "@mantine/core";
import { useDesk } from "../desk";
import { useAsk } from "../door";
import { T } from "../testids";
import { type Language, languageNames, useWords } from "../words/words";
import css from "./settings.module.css";
import { SoundRows } from "./sound-rows";

const schemes = { light: "light", dark: "dark", auto: "system" } as const;

export function SettingsPage() {
  const { t, language, setLanguage } = useWords();
  const { take } = useDesk();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const status = useAsk("app.status", {}).data;
  const facts: [string, string][] = [
    [t("settings.device"), status?.device.name ?? ""],
    [t("settings.person"), status?.person?.name ?? t("settings.none")],
    [t("settings.organisation"), status?.organisation ?? t("settings.none")],
    [t("settings.server"), status?.server ?? t("sync.never")],
  ];
  return (
    <div className={css.page} data-testid={T.settings.page}>
      <div className={css.inner}>
        <h1 className={css.title}>{t("settings.title")}</h1>
        <div className={css.row}>
          <span>{t("settings.language")}</span>
          <SegmentedControl
            aria-label={t("settings.language")}
            value={language}
            onChange={(value) => setLanguage(value as Language)}
            data={Object.entries(languageNames).map(([value, label]) => ({ value, label }))}
            data-testid={T.settings.language}
          />
        </div>
        <div className={css.row}>
          <span>{t("settings.theme")}</span>
          <SegmentedControl
            aria-label={t("settings.theme")}
            value={colorScheme}
            onChange={(value) => setColorScheme(value as keyof typeof schemes)}
            data={Object.entries(schemes).map(([value, name]) => ({ value, label: t(`settings.theme.${name}`) }))}
            data-testid={T.settings.theme}
          />
        </div>
        <SoundRows />
        <div className={css.row}>
          <span>{t("settings.keys")}</span>
          <Button
            variant="default"
            onClick={() => take({ do: "sheet", open: true })}
            data-testid={T.settings.shortcuts}
          >
            {t("settings.keys.show")}
          </Button>
        </div>
        {facts.map(([what, value]) => (
          <div key={what} className={css.row}>
            <span>{what}</span>
            <span className={css.value}>{value}</span>
          </div>
        ))}
        <div className={css.row}>
          <span>{t(status?.server ? "settings.move" : "connect.title")}</span>
          <Button variant="default" onClick={() => take({ do: "connect", open: true })}>
            {t(status?.server ? "settings.move.change" : "connect.connect")}
          </Button>
        </div>
        <p className={css.version}>{t("app.version", { version: status?.version ?? "" })}</p>
      </div>
    </div>
  );
}
