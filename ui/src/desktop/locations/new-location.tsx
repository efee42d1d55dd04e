// A new place: its code, and what it is inside of. Without a parent it is a new site.
import { Button, NativeSelect, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { LocationRow } from "../../backend/bindings";
import { useDesk } from "../desk";
import { useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./locations.module.css";

type Props = { places: LocationRow[]; within: LocationRow | null; onDone: () => void };

export function NewLocation({ places, within, onDone }: Props) {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const { take } = useDesk();
  const [code, setCode] = useState("");
  const [name, setName] = useState("");
  const [parent, setParent] = useState(within?.id ?? "");
  const [fault, setFault] = useState<string | null>(null);
  const create = async (event: FormEvent) => {
    event.preventDefault();
    const above = places.find((place) => place.id === parent);
    const site = above ? { site: above.site ?? above.id, parent: above.id } : {};
    try {
      const made = await backend.call("locations.save", {
        fields: { code: code.trim(), name: name.trim(), role: above ? "storage" : "site", ...site },
      });
      take({ do: "location", id: made.id });
      onDone();
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
    }
  };
  return (
    <form className={css.newForm} onSubmit={create} noValidate>
      <TextInput
        label={t("locations.new.code")}
        value={code}
        onChange={(e) => setCode(e.currentTarget.value)}
        error={fault}
        errorProps={{ "data-testid": T.locations.fault }}
        data-scan="off"
        data-testid={T.locations.newCode}
        autoFocus
      />
      <TextInput
        label={t("locations.new.name")}
        value={name}
        onChange={(e) => setName(e.currentTarget.value)}
        data-scan="off"
        data-testid={T.locations.newName}
      />
      <NativeSelect
        label={t("locations.new.parent")}
        value={parent}
        onChange={(e) => setParent(e.currentTarget.value)}
        data={[
          { value: "", label: t("locations.new.site") },
          ...places.map((place) => ({ value: place.id, label: place.code })),
        ]}
        data-testid={T.locations.newParent}
      />
      <div className={css.newButtons}>
        <Button type="submit" data-testid={T.locations.create}>
          {t("locations.new.create")}
        </Button>
        <Button variant="subtle" onClick={onDone}>
          {t("common.cancel")}
        </Button>
      </div>
    </form>
  );
}
