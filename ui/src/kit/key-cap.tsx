// A shortcut printed on the thing it works.
import css from "./kit.module.css";

export function KeyCap({ keys }: { keys: string }) {
  return (
    <span className={css.key} aria-hidden="true">
      {keys}
    </span>
  );
}
