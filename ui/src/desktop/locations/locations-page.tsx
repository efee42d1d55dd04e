// Where stock can be, as a tree, and what is in the place that is chosen.
import { Button } from "@mantine/core";
import { IconAlertTriangle, IconMapPin, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { StateNote } from "../../kit/state-note";
import { useDesk } from "../desk";
import { useAsk } from "../door";
import { explain } from "../explain";
import { focusPage } from "../frame/use-focus";
import { T } from "../testids";
import { useWords } from "../words/words";
import { Contents } from "./contents";
import css from "./locations.module.css";
import { NewLocation } from "./new-location";
import { Tree } from "./tree";

export function LocationsPage() {
  const words = useWords();
  const { t } = words;
  const { desk } = useDesk();
  const [creating, setCreating] = useState(false);
  const places = useAsk("locations.list", {});
  const rows = (places.data ?? []).filter((place) => place.role !== "virtual");
  const chosen = rows.find((place) => place.id === desk.location) ?? null;
  const done = () => {
    setCreating(false);
    requestAnimationFrame(focusPage);
  };
  const add = (
    <Button
      variant="default"
      leftSection={<IconPlus size={18} stroke={1.5} />}
      onClick={() => setCreating(true)}
      data-testid={T.locations.newLocation}
    >
      {t("locations.new")}
    </Button>
  );
  return (
    <>
      <div className={css.head}>
        <h1 className={css.title}>{t("locations.title")}</h1>
        {add}
      </div>
      {creating && <NewLocation places={rows} within={chosen} onDone={done} />}
      {places.isError && (
        <StateNote
          tone="stop"
          icon={<IconAlertTriangle size={32} stroke={1.5} />}
          title={t("common.error")}
          text={explain(places.error, words)}
          action={<Button onClick={() => void places.refetch()}>{t("common.retry")}</Button>}
        />
      )}
      {places.data && rows.length === 0 && !creating && (
        <StateNote
          testid={T.locations.empty}
          icon={<IconMapPin size={32} stroke={1.5} />}
          title={t("locations.empty.title")}
          text={t("locations.empty.text")}
          action={add}
        />
      )}
      {rows.length > 0 && (
        <div className={css.split}>
          <Tree rows={rows} />
          {chosen ? (
            <Contents key={chosen.id} place={chosen} leaf={!rows.some((row) => row.parent === chosen.id)} />
          ) : (
            <StateNote
              icon={<IconMapPin size={32} stroke={1.5} />}
              title={t("locations.pick.title")}
              text={t("locations.pick.text")}
            />
          )}
        </div>
      )}
    </>
  );
}
