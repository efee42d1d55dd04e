// A quantity with its unit: tabular figures, the unit quieter than the number.
import css from "./kit.module.css";

type Props = { value: string; unit?: string; tone?: "plain" | "muted" | "attention" | "stop"; testid?: string };

export function Figure({ value, unit, tone = "plain", testid }: Props) {
  return (
    <span className={css.figure} data-tone={tone} data-testid={testid}>
      {value}
      {unit && <span className={css.unit}>{` ${unit}`}</span>}
    </span>
  );
}
