// Address and one-time code of a server. Also used later to move to another address.
import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { asFailure } from "../../backend/backend";
import { useBackend } from "../door";
import { explainConnecting } from "../explain";
import { useVoice } from "../say";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./connect.module.css";

type Props = { onDone: () => void; onLater?: () => void; known?: string | null };

export function ConnectForm({ onDone, onLater, known }: Props) {
  const words = useWords();
  const { t } = words;
  const backend = useBackend();
  const { say } = useVoice();
  const [url, setUrl] = useState(known ?? "");
  const [code, setCode] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  const connect = async (event: FormEvent) => {
    event.preventDefault();
    if (busy) return;
    if (!url.trim()) return setFault(t("connect.url_missing"));
    setBusy(true);
    setFault(null);
    try {
      const status = await backend.call("app.connect", { url: url.trim(), code: code.trim() || null });
      say({ tone: "ok", text: t("connect.connected", { server: status.server ?? url.trim() }) });
      onDone();
    } catch (thrown) {
      setFault(explainConnecting(asFailure(thrown), url.trim(), words));
      setBusy(false);
    }
  };
  return (
    <form onSubmit={connect} className={css.form} noValidate>
      <TextInput
        label={t("connect.url")}
        placeholder={t("connect.url.hint")}
        value={url}
        onChange={(e) => setUrl(e.currentTarget.value)}
        data-testid={T.connect.url}
        data-scan="off"
        data-autofocus
        autoFocus
        spellCheck={false}
      />
      <TextInput
        label={t("connect.code")}
        description={known ? t("connect.code.moved") : undefined}
        value={code}
        onChange={(e) => setCode(e.currentTarget.value)}
        data-testid={T.connect.code}
        data-scan="off"
        autoComplete="off"
        spellCheck={false}
      />
      {fault && (
        <p className={css.fault} role="alert" data-testid={T.connect.fault}>
          {fault}
        </p>
      )}
      <Button type="submit" size="md" loading={busy} data-testid={T.connect.connect}>
        {t("connect.connect")}
      </Button>
      {onLater && (
        <Button variant="subtle" size="md" onClick={onLater} data-testid={T.connect.later}>
          {t("connect.later")}
        </Button>
      )}
    </form>
  );
}
