// Words, numbers and dates in the language the person chose. Quantities come and go as plain decimal
// strings; here they get and lose the marks of the language.
import { createContext, type ReactNode, useContext, useEffect, useMemo, useState } from "react";
import { type Marks, marksOf } from "../../kit/decimal";
import { de } from "./de";
import { en } from "./en";

type English = typeof en;
export type Key = keyof English;
export type Plural = { one: string; other: string };
/** A whole language: a sentence for each key, or its two forms where English has two. */
export type Catalogue = { [K in Key]: English[K] extends string ? string : Plural };
type Holes = Record<string, string | number>;
export type Language = "en" | "de";

export const catalogues: Record<Language, Catalogue> = { en, de };
export const languageNames: Record<Language, string> = { en: "English", de: "Deutsch" };

export type Words = {
  language: Language;
  setLanguage: (language: Language) => void;
  marks: Marks;
  t: (key: Key, holes?: Holes) => string;
  /** A whole number or a plain decimal string, with at least `scale` decimals. */
  number: (value: string | number, scale?: number) => string;
  amount: (value: string, unit: string, scale?: number) => string;
  date: (iso: string) => string;
  time: (iso: string) => string;
  moment: (iso: string) => string;
  ago: (iso: string, now: number) => string;
  age: (iso: string, now: number) => string;
};

const STORED = "stillage.language";

function firstLanguage(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === "en" || stored === "de") return stored;
  return navigator.language.toLowerCase().startsWith("de") ? "de" : "en";
}

export function wordsOf(language: Language, setLanguage: (language: Language) => void = () => {}): Words {
  const catalogue = catalogues[language];
  const plurals = new Intl.PluralRules(language);
  const number = (value: string | number, scale = 0) =>
    new Intl.NumberFormat(language, { minimumFractionDigits: scale, maximumFractionDigits: 6 })
      .format(value as Intl.StringNumericLiteral)
      .replace("-", "\u2212");
  const t = (key: Key, holes: Holes = {}) => {
    const entry = catalogue[key];
    const form = typeof entry === "string" ? entry : entry[plurals.select(Number(holes.n)) === "one" ? "one" : "other"];
    return form.replace(/\{(\w+)\}/g, (hole, name: string) => {
      const value = holes[name];
      return value === undefined ? hole : typeof value === "number" ? number(value) : value;
    });
  };
  const stamp = (options: Intl.DateTimeFormatOptions) => (iso: string) =>
    new Intl.DateTimeFormat(language, options).format(new Date(iso));
  const time = stamp({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  const shortDate = stamp({ day: "numeric", month: "short" });
  const relative = new Intl.RelativeTimeFormat(language, { numeric: "always", style: "short" });
  return {
    language,
    setLanguage,
    marks: marksOf(language),
    t,
    number,
    amount: (value, unit, scale) => `${number(value, scale)}\u00a0${unit}`,
    date: stamp({ day: "numeric", month: "short", year: "numeric" }),
    time,
    moment: (iso) =>
      new Date(iso).toDateString() === new Date().toDateString() ? time(iso) : `${shortDate(iso)}, ${time(iso)}`,
    ago: (iso, now) => {
      const [n, unit] = span(iso, now);
      return unit === "second" && n < 5 ? t("ago.now") : relative.format(-n, unit);
    },
    age: (iso, now) => {
      const [n, unit] = span(iso, now);
      return t(`age.${unit}s`, { n });
    },
  };
}

function span(iso: string, now: number): [number, "second" | "minute" | "hour" | "day"] {
  const seconds = Math.max(0, Math.floor((now - Date.parse(iso)) / 1000));
  if (seconds < 60) return [seconds, "second"];
  if (seconds < 3600) return [Math.floor(seconds / 60), "minute"];
  if (seconds < 172_800) return [Math.floor(seconds / 3600), "hour"];
  return [Math.floor(seconds / 86_400), "day"];
}

const Context = createContext<Words | null>(null);

export function WordsProvider({ children, language }: { children: ReactNode; language?: Language }) {
  const [chosen, choose] = useState<Language>(() => language ?? firstLanguage());
  const words = useMemo(
    () =>
      wordsOf(chosen, (next) => {
        localStorage.setItem(STORED, next);
        choose(next);
      }),
    [chosen],
  );
  useEffect(() => {
    document.documentElement.lang = chosen;
  }, [chosen]);
  return <Context.Provider value={words}>{children}</Context.Provider>;
}

export function useWords(): Words {
  const words = useContext(Context);
  if (!words) throw new Error("words are used outside their provider");
  return words;
}
