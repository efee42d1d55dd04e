// The least that makes an item: a SKU. The rest can be edited where it stands afterwards.
import { ActionIcon, Button, NativeSelect, TextInput } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { Tracking } from "../../backend/bindings";
import { useDesk } from "../desk";
import { useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./item.module.css";

const trackings: Tracking[] = ["none", "lot", "serial"];

export function NewItem() {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const { take } = useDesk();
  const [sku, setSku] = useState("");
  const [name, setName] = useState("");
  const [unit, setUnit] = useState("EA");
  const [tracking, setTracking] = useState<Tracking>("none");
  const [fault, setFault] = useState<string | null>(null);
  const create = async (event: FormEvent) => {
    event.preventDefault();
    try {
      const fields = { sku: sku.trim(), name: name.trim(), base_unit: unit.trim() || "EA", tracking };
      const made = await backend.call("items.save", { fields });
      take({ do: "item", id: made.id });
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
    }
  };
  return (
    <form onSubmit={create} className={css.panel} noValidate>
      <header className={css.heading}>
        <div className={css.headline}>
          <h2 className={css.formTitle}>{t("item.new.title")}</h2>
          <span className={css.tools}>
            <ActionIcon
              variant="subtle"
              color="gray"
              size="lg"
              aria-label={t("item.close")}
              onClick={() => take({ do: "back" })}
            >
              <IconX size={18} stroke={1.5} />
            </ActionIcon>
          </span>
        </div>
      </header>
      <div className={`${css.body} ${css.form}`}>
        <TextInput
          label={t("item.sku")}
          value={sku}
          onChange={(e) => setSku(e.currentTarget.value)}
          data-scan="off"
          data-testid={T.newItem.sku}
          autoFocus
        />
        <TextInput
          label={t("item.name")}
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          data-scan="off"
          data-testid={T.newItem.name}
        />
        <TextInput
          label={t("item.new.unit")}
          value={unit}
          onChange={(e) => setUnit(e.currentTarget.value)}
          data-scan="off"
          data-testid={T.newItem.unit}
        />
        <NativeSelect
          label={t("item.new.tracking")}
          value={tracking}
          onChange={(e) => setTracking(e.currentTarget.value as Tracking)}
          data={trackings.map((value) => ({ value, label: t(`item.tracking.${value}`) }))}
          data-testid={T.newItem.tracking}
        />
        {fault && (
          <p className={css.fault} role="alert" data-testid={T.newItem.fault}>
            {fault}
          </p>
        )}
        <Button type="submit" data-testid={T.newItem.create}>
          {t("item.new.create")}
        </Button>
      </div>
    </form>
  );
}
