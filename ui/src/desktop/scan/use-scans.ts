// What a scan does, wherever the person is: it opens the item or the location, or fills the entry
// that is open. A code nobody knows goes back into the field it was typed into.
import { useQueryClient } from "@tanstack/react-query";
import { entryKey, useDesk } from "../desk";
import { question, useBackend } from "../door";
import { useVoice } from "../say";
import { useWords } from "../words/words";
import { type PutBack, useScanner } from "./use-scanner";

export function useScans(): void {
  const backend = useBackend();
  const queries = useQueryClient();
  const { desk, take } = useDesk();
  const { say, fail } = useVoice();
  const { t } = useWords();

  /** Whoever scans again what is open may think that it counts. */
  const again = (label: string) =>
    say({
      tone: "attention",
      flash: true,
      text: t("scan.again", { label }),
      more: t("scan.again.text", { count: entryKey.count }),
    });
  const resolve = async (code: string, putBack: PutBack) => {
    const found = await backend.call("scan.resolve", { code });
    if (found.hit === "unknown") {
      putBack();
      return say({ tone: "stop", flash: true, text: t("scan.unknown", { code }), more: t("scan.unknown.text") });
    }
    if (found.hit === "misread")
      return say({ tone: "stop", flash: true, text: t("scan.misread", { code }), more: t("scan.misread.text") });
    if (found.hit === "location") {
      const places = await queries.fetchQuery(question(backend, "locations.list", {}));
      const label = places.find((place) => place.id === found.location)?.code ?? code;
      if (!desk.entry && desk.page === "locations" && desk.location === found.location) return again(label);
      take({ do: "scanned", scanned: { location: found.location } });
      return say({ tone: "ok", flash: true, text: t("scan.location", { label }) });
    }
    const item = await queries.fetchQuery(question(backend, "items.get", { id: found.item }));
    const seen = desk.item === found.item && found.lot === (desk.scanned?.item?.lot ?? null);
    if (!desk.entry && seen) return again(item.sku);
    const units = found.hit === "item" ? found.units : "1";
    take({ do: "scanned", scanned: { item: { id: found.item, units, lot: found.lot } } });
    say({ tone: "ok", flash: true, text: t("scan.item", { label: item.sku }), more: item.name });
  };
  useScanner((code, putBack) => resolve(code, putBack).catch(fail));
}
