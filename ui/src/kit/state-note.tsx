// What a screen says when it has nothing to show: what this is, and the one next step.
import type { ReactNode } from "react";
import css from "./kit.module.css";

type Props = {
  icon?: ReactNode;
  title: string;
  text?: string;
  action?: ReactNode;
  tone?: "calm" | "stop";
  testid?: string;
};

export function StateNote({ icon, title, text, action, tone = "calm", testid }: Props) {
  return (
    <div className={css.note} data-tone={tone} data-testid={testid} role={tone === "stop" ? "alert" : undefined}>
      {icon && <div className={css.noteIcon}>{icon}</div>}
      <div className={css.noteTitle}>{title}</div>
      {text && <div className={css.noteText}>{text}</div>}
      {action && <div className={css.noteAction}>{action}</div>}
    </div>
  );
}
