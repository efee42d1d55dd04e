// A failure in the words of the person in front of it. Every code the product has is known here; a
// code from a newer engine falls back to the engine's own sentence.
import type { BadRow, Failure } from "../backend/bindings";
import { en } from "./words/en";
import type { enFailures } from "./words/en.failures";
import type { Key, Words } from "./words/words";

type FailKey = keyof typeof enFailures;

const known = (key: string): key is FailKey => key in en;

/** What is wrong with a row of an imported file. Its codes are its own, a field's problem, or the engine's. */
export function explainRow(bad: BadRow, words: Words): string {
  const own = bad.code === "MISSING" && bad.value ? "row.INCOMPLETE" : `row.${bad.code}`;
  if (known(own)) return words.t(own);
  const field = `fail.FIELD.${bad.code.toLowerCase()}`;
  if (known(field)) return words.t(field, { field: bad.column });
  return explain({ code: bad.code, message: bad.reason, next: "", details: { key: bad.value } }, words);
}

/** Why a server could not be joined: what is wrong with the address, not what became of the work. */
export function explainConnecting(failure: Failure, address: string, words: Words): string {
  const own = `connect.fail.${failure.code}`;
  return known(own) ? words.t(own, { address }) : explain(failure, words);
}

export function explain(failure: Failure, words: Words): string {
  const details = failure.details ?? {};
  const problem = typeof details.problem === "string" ? details.problem : "";
  const specific = `fail.${failure.code}.${problem}`;
  const plain = `fail.${failure.code}`;
  const key: Key = known(specific) ? specific : known(plain) ? plain : "fail.unknown";
  return words.t(key, {
    message: failure.message,
    field: fieldName(details.field, words),
    key: text(details.key),
    column: text(details.column),
    scale: typeof details.scale === "number" ? details.scale : 0,
  });
}

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** What people call a field; one we have no word for is "a field". */
export function fieldName(field: unknown, words: Words): string {
  const key = `field.${text(field)}`;
  return words.t(key in en ? (key as Key) : "field.other");
}
