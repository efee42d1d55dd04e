// Opens a device whose key is wrapped by a passphrase.
import { Button, PasswordInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { Gate } from "../../backend/bindings";
import { useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./connect.module.css";

export function Locked({ onDone }: { onDone: (gate: Gate) => void }) {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const [passphrase, setPassphrase] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const unlock = async (event: FormEvent) => {
    event.preventDefault();
    if (busy || !passphrase) return;
    setBusy(true);
    try {
      onDone(await backend.call("app.unlock", { passphrase }));
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
      setPassphrase("");
      setBusy(false);
    }
  };
  return (
    <form onSubmit={unlock} className={css.form}>
      <h1 className={css.title}>{t("gate.locked.title")}</h1>
      <p className={css.text}>{t("gate.locked.text")}</p>
      <PasswordInput
        label={t("gate.new.passphrase")}
        value={passphrase}
        onChange={(e) => setPassphrase(e.currentTarget.value)}
        data-testid={T.gate.passphrase}
        data-scan="off"
        autoFocus
      />
      {fault && (
        <p className={css.fault} role="alert" data-testid={T.gate.fault}>
          {fault}
        </p>
      )}
      <Button type="submit" size="md" loading={busy} data-testid={T.gate.unlock}>
        {t("gate.locked.unlock")}
      </Button>
    </form>
  );
}
