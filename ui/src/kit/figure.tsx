// A quantity with its unit: tabular figures, the unit quieter than the number. A long one is set smaller, and
// where even that has no room a list ends it in an ellipsis; it is told whole on pointing at it, and never breaks.
import css from "./kit.module.css";

type Props = { value: string; unit?: string; tone?: "plain" | "muted" | "attention" | "stop"; testid?: string };

/** Six digits with their mark and a sign fit everywhere. */
const ORDINARY = 8;
const LONG = 11;

export type Length = "long" | "longest" | undefined;

export function lengthOf(value: string): Length {
  return value.length > LONG ? "longest" : value.length > ORDINARY ? "long" : undefined;
}

export function Figure({ value, unit, tone = "plain", testid }: Props) {
  const length = lengthOf(value);
  return (
    <span
      className={css.figure}
      data-tone={tone}
      data-length={length}
      data-testid={testid}
      title={length && (unit ? `${value} ${unit}` : value)}
    >
      {value}
      {unit && <span className={css.unit}>{` ${unit}`}</span>}
    </span>
  );
}
