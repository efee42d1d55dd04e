// The first screen ever: a name, and a passphrase where the computer cannot keep a key itself.
import { Button, PasswordInput, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import type { Gate } from "../../backend/bindings";
import { useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./connect.module.css";

export function NewDevice({ keyring, onDone }: { keyring: boolean; onDone: (gate: Gate) => void }) {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const [name, setName] = useState("");
  const [passphrase, setPassphrase] = useState("");
  const [again, setAgain] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const wrong = () => {
    if (!name.trim()) return t("gate.new.name_missing");
    if (!keyring && passphrase.length < 8) return t("gate.new.short");
    if (!keyring && passphrase !== again) return t("gate.new.mismatch");
    return null;
  };
  const create = async (event: FormEvent) => {
    event.preventDefault();
    const said = wrong();
    setFault(said);
    if (said || busy) return;
    setBusy(true);
    try {
      onDone(await backend.call("app.create", { name: name.trim(), passphrase: keyring ? null : passphrase }));
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
      setBusy(false);
    }
  };

  return (
    <form onSubmit={create} className={css.form} noValidate>
      <h1 className={css.title}>{t("gate.new.title")}</h1>
      <p className={css.text}>{t("gate.new.text")}</p>
      <TextInput
        label={t("gate.new.name")}
        placeholder={t("gate.new.name.hint")}
        value={name}
        onChange={(e) => setName(e.currentTarget.value)}
        data-testid={T.gate.name}
        data-scan="off"
        data-autofocus
        autoFocus
      />
      {keyring ? (
        <p className={css.small}>{t("gate.new.keyring")}</p>
      ) : (
        <>
          <p className={css.notice}>{t("gate.new.no_keyring")}</p>
          <PasswordInput
            label={t("gate.new.passphrase")}
            description={t("gate.new.short")}
            value={passphrase}
            onChange={(e) => setPassphrase(e.currentTarget.value)}
            data-testid={T.gate.passphrase}
            data-scan="off"
          />
          <PasswordInput
            label={t("gate.new.passphrase_again")}
            value={again}
            onChange={(e) => setAgain(e.currentTarget.value)}
            data-testid={T.gate.passphraseAgain}
            data-scan="off"
          />
        </>
      )}
      {fault && (
        <p className={css.fault} role="alert" data-testid={T.gate.fault}>
          {fault}
        </p>
      )}
      <Button type="submit" size="md" loading={busy} data-testid={T.gate.create}>
        {t("gate.new.create")}
      </Button>
    </form>
  );
}
