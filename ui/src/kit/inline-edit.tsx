// A value that is edited where it stands. Enter or leaving the field keeps it, Escape gives it up;
// there is nothing to save. A refused value stays in the field with what is wrong.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import css from "./kit.module.css";

type Props = {
  value: string;
  shown?: string;
  label: string;
  empty: string;
  onKeep: (value: string) => Promise<string | null>;
  testid: string;
  className?: string;
  disabled?: boolean;
};

export function InlineEdit({ value, shown, label, empty, onKeep, testid, className, disabled }: Props) {
  const [draft, setDraft] = useState<string | null>(null);
  const [fault, setFault] = useState<string | null>(null);
  const keeping = useRef(false);
  const input = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const editing = draft !== null;
  useEffect(() => {
    if (editing) input.current?.select();
  }, [editing]);

  const close = () => {
    setDraft(null);
    setFault(null);
    requestAnimationFrame(() => button.current?.focus());
  };
  const keep = async () => {
    if (draft === null || keeping.current) return;
    if (draft.trim() === value) return close();
    keeping.current = true;
    const refused = await onKeep(draft.trim());
    keeping.current = false;
    if (refused === null) close();
    else setFault(refused);
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key === "Enter") void keep();
    if (event.key === "Escape") close();
    if (event.key === "Enter" || event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  if (!editing)
    return (
      <button
        ref={button}
        type="button"
        className={`${css.inline} ${className ?? ""}`}
        aria-label={`${label}: ${shown || value || empty}`}
        title={label}
        data-empty={!value}
        data-testid={testid}
        disabled={disabled}
        onClick={() => setDraft(value)}
      >
        {shown || value || empty}
      </button>
    );
  return (
    <span className={css.inlineBox}>
      <input
        ref={input}
        className={`${css.inlineInput} ${className ?? ""}`}
        value={draft}
        aria-label={label}
        aria-invalid={fault !== null}
        data-testid={`${testid}-input`}
        data-scan="off"
        onChange={(event) => setDraft(event.currentTarget.value)}
        onKeyDown={onKey}
        onBlur={() => void keep()}
      />
      {fault && (
        <span className={css.inlineFault} role="alert">
          {fault}
        </span>
      )}
    </span>
  );
}
