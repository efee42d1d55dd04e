// The codes a scanner knows the item by. A new one is typed or scanned into the field.
import { TextInput } from "@mantine/core";
import { useState } from "react";
import { asFailure } from "../../backend/backend";
import type { ItemCard } from "../../backend/bindings";
import { useBackend } from "../door";
import { explain } from "../explain";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./item.module.css";

export function Barcodes({ card }: { card: ItemCard }) {
  const words = useWords();
  const { t, amount } = words;
  const backend = useBackend();
  const [code, setCode] = useState("");
  const [fault, setFault] = useState<string | null>(null);
  const keep = async () => {
    if (!code.trim()) return;
    try {
      await backend.call("barcodes.save", {
        fields: { item: card.id, code: code.trim(), unit: card.unit, units_per_scan: "1" },
      });
      setCode("");
      setFault(null);
    } catch (thrown) {
      setFault(explain(asFailure(thrown), words));
    }
  };
  return (
    <>
      {card.barcodes.length > 0 && (
        <ul className={css.list}>
          {card.barcodes.map((barcode) => (
            <li key={barcode.id} className={css.barcode}>
              <span className={css.code}>{barcode.code}</span>
              <span className={css.cellText}>
                {barcode.units_per_scan !== "1" &&
                  t("item.barcode.units", { amount: amount(barcode.units_per_scan, barcode.unit) })}
              </span>
            </li>
          ))}
        </ul>
      )}
      <TextInput
        value={code}
        onChange={(event) => setCode(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") void keep();
        }}
        placeholder={t("item.barcode.add")}
        aria-label={t("item.barcode.add")}
        error={fault}
        data-scan="off"
        data-testid={T.item.barcodeAdd}
      />
    </>
  );
}
