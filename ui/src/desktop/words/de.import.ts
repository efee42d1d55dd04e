// Bringing in a file, in German.
import type { enImport } from "./en.import";
import type { Catalogue } from "./words";

export const deImport: Pick<Catalogue, keyof typeof enImport> = {
  "import.title": "Import",
  "import.intro":
    "Artikel, Lagerorte oder Anfangsbestand aus einer CSV-Datei einlesen. Geschrieben wird erst, wenn Sie jede fehlerhafte Zeile gesehen haben.",
  "import.path": "Datei",
  "import.path.hint": "/home/ana/bestand.csv",
  "import.kind": "Was ist darin",
  "import.kind.auto": "Herausfinden",
  "import.kind.items": "Artikel",
  "import.kind.locations": "Lagerorte",
  "import.kind.stock": "Anfangsbestand",
  "import.preview": "Datei prüfen",
  "import.run": { one: "{n} Zeile einlesen", other: "{n} Zeilen einlesen" },
  "import.running": "Wird eingelesen …",
  "import.rows": "Zeilen",
  "import.good": "Gut",
  "import.bad": "Fehlerhaft",
  "import.format": "Gelesen als {encoding}, Spalten getrennt durch {delimiter}, Dezimalzeichen {decimal}",
  "import.columns": "Spalten: {columns}",
  "import.bad.title": {
    one: "{n} fehlerhafte Zeile wird ausgelassen",
    other: "{n} fehlerhafte Zeilen werden ausgelassen",
  },
  "import.bad.row": "Zeile",
  "import.bad.column": "Spalte",
  "import.bad.value": "Wert",
  "import.bad.reason": "Was nicht stimmt",
  "import.all_good": "Jede Zeile ist in Ordnung.",
  "import.done": { one: "{n} Zeile eingelesen.", other: "{n} Zeilen eingelesen." },
  "import.delimiter.comma": "Komma",
  "import.delimiter.semicolon": "Semikolon",
  "import.delimiter.tab": "Tabulator",
  "import.delimiter.pipe": "Strich",
  "import.decimal.point": "Punkt",
  "import.decimal.comma": "Komma",
};
