// What stands before the window: a new device is named, a locked one opened. A device that was just
// named is offered a server once; it works without one.

import { Button } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Gate as GateState } from "../../backend/bindings";
import { StateNote } from "../../kit/state-note";
import { useAfter } from "../../kit/use-after";
import { useAsk } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./connect.module.css";
import { ConnectForm } from "./connect-form";
import { Locked } from "./locked";
import { NewDevice } from "./new-device";

export function Gate({ children }: { children: ReactNode }) {
  const words = useWords();
  const queries = useQueryClient();
  const [fresh, setFresh] = useState(false);
  const gate = useAsk("app.gate", {});
  const slow = useAfter(gate.isPending);
  const passed = (state: GateState) => queries.setQueryData(["app.gate", {}], state);

  if (gate.isPending) return <Shell>{slow && <p data-testid={T.gate.loading}>{words.t("gate.loading")}</p>}</Shell>;
  if (gate.isError)
    return (
      <Shell>
        <StateNote
          testid={T.gate.error}
          tone="stop"
          icon={<IconAlertTriangle size={32} stroke={1.5} />}
          title={words.t("common.error")}
          text={explain(gate.error, words)}
          action={<Button onClick={() => void gate.refetch()}>{words.t("common.retry")}</Button>}
        />
      </Shell>
    );
  if (gate.data.gate === "new")
    return (
      <Shell>
        <NewDevice
          keyring={gate.data.keyring}
          onDone={(state) => {
            setFresh(true);
            passed(state);
          }}
        />
      </Shell>
    );
  if (gate.data.gate === "locked")
    return (
      <Shell>
        <Locked onDone={passed} />
      </Shell>
    );
  if (fresh)
    return (
      <Shell>
        <h1 className={css.title}>{words.t("connect.title")}</h1>
        <p className={css.text}>{words.t("connect.text")}</p>
        <ConnectForm onDone={() => setFresh(false)} onLater={() => setFresh(false)} />
      </Shell>
    );
  return children;
}

function Shell({ children }: { children: ReactNode }) {
  const { t } = useWords();
  return (
    <main className={css.shell}>
      <div className={css.card}>
        <div className={css.brand}>{t("app.name")}</div>
        {children}
      </div>
    </main>
  );
}
