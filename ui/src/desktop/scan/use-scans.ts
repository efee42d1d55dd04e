// What a scan does, wherever the person is. Every scan first takes its place in the desk's queue: an
// open entry takes them from there, otherwise this does, and opens the item or the location. A code
// nobody knows goes back into the field it was typed into.
import { useQueryClient } from "@tanstack/react-query";
import type { ItemCard, ScanHit } from "../../backend/bindings";
import { type Desk, entryKey, type Found, type Scanned, useDesk } from "../desk";
import { question, useBackend } from "../door";
import { useVoice } from "../say";
import { useWords } from "../words/words";
import { useQueue } from "./use-queue";
import { type PutBack, useScanner } from "./use-scanner";

export function useScans(): void {
  const backend = useBackend();
  const queries = useQueryClient();
  const { desk, take } = useDesk();
  const { say, fail } = useVoice();
  const { t } = useWords();

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
      return take({ do: "scanned", scanned: { location: found.location, label } });
    }
    const card = await queries.fetchQuery(question(backend, "items.get", { id: found.item }));
    take({ do: "scanned", scanned: itemScan(found, card, code) });
  };
  useScanner((code, putBack) => resolve(code, putBack).catch(fail));
  useQueue(desk.entry === null, (scan) => {
    const { label, name } = scan;
    if (!isOpen(desk, scan))
      return say({
        tone: "ok",
        flash: true,
        text: t(scan.item ? "scan.item" : "scan.location", { label }),
        ...(name ? { more: name } : {}),
      });
    // Whoever scans again what is open may think that it counts.
    const more = t("scan.again.text", { count: entryKey.count });
    say({ tone: "attention", flash: true, text: t("scan.again", { label }), more });
  });
}

/** A lot is found by its code, so that is what was scanned unless the item's stock knows better. */
function itemScan(found: ScanHit & { hit: "item" | "lot" }, card: ItemCard, code: string): Found {
  const { lot } = found;
  const known = card.cells.find((cell) => lot !== null && (cell.lot?.id === lot || cell.lot?.code === lot))?.lot;
  const units = found.hit === "item" ? found.units : "1";
  const item = {
    id: found.item,
    units,
    lot: lot === null ? null : { id: known?.id ?? lot, code: known?.code ?? code },
  };
  return { item, label: card.sku, name: card.name };
}

function isOpen(desk: Desk, scan: Scanned): boolean {
  if (!scan.item) return desk.page === "locations" && desk.location === scan.location;
  return desk.item === scan.item.id && (scan.item.lot?.id ?? null) === (desk.scanned?.item?.lot?.id ?? null);
}
