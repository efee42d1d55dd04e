// Whether the three sounds are on, how loud they are, and what they are like.
import { Button, Group, Slider, Switch } from "@mantine/core";
import { useState } from "react";
import { keepLoudness, type Loudness, loudness, play, sounds } from "../sound/sound";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./settings.module.css";

const STEP = 10;

export function SoundRows() {
  const { t } = useWords();
  const [{ on, volume }, setChosen] = useState(loudness);
  const choose = (chosen: Loudness) => {
    keepLoudness(chosen);
    setChosen(chosen);
    play("ok");
  };
  return (
    <>
      <div className={css.row}>
        <span>{t("settings.sound")}</span>
        <Switch
          size="md"
          aria-label={t("settings.sound")}
          checked={on}
          onChange={(event) => choose({ on: event.currentTarget.checked, volume })}
          data-testid={T.settings.sound}
        />
      </div>
      {on && (
        <>
          <div className={css.row}>
            <span>{t("settings.volume")}</span>
            <Slider
              className={css.volume}
              min={STEP}
              max={100}
              step={STEP}
              value={volume}
              onChange={(value) => setChosen({ on, volume: value })}
              onChangeEnd={(value) => choose({ on, volume: value })}
              label={null}
              thumbLabel={t("settings.volume")}
              data-testid={T.settings.volume}
            />
          </div>
          <div className={css.row}>
            <span>{t("settings.sound.try")}</span>
            <Group gap={8}>
              {sounds.map((sound) => (
                <Button
                  key={sound}
                  variant="default"
                  onClick={() => play(sound)}
                  data-testid={T.settings.soundTry(sound)}
                >
                  {t(`settings.sound.${sound}`)}
                </Button>
              ))}
            </Group>
          </div>
        </>
      )}
    </>
  );
}
