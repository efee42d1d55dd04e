// Everything there is, one line each.
import { Button } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import type { ItemFilter, ItemSort } from "../../backend/bindings";
import { useDesk } from "../desk";
import { useAsk } from "../door";
import { T } from "../testids";
import { useWords } from "../words/words";
import css from "./stock.module.css";
import { StockList } from "./stock-list";

const filters: ItemFilter[] = ["all", "low", "expiring", "never_counted", "negative", "archived"];

export function StockPage() {
  const { t, number } = useWords();
  const { desk, take } = useDesk();
  const [filter, setFilter] = useState<ItemFilter>("all");
  const [sort, setSort] = useState<{ by: ItemSort; descending: boolean }>({ by: "sku", descending: false });
  const [search] = useDebouncedValue(desk.search.trim(), 60);
  const counts = useAsk("items.counts", {}).data;
  return (
    <>
      <div className={css.head}>
        <h1 className={css.title}>{t("stock.title")}</h1>
        <fieldset className={css.filters}>
          <legend className={css.unseen}>{t("stock.filter.label")}</legend>
          {filters.map((one) => {
            const count = one === "archived" || one === "all" ? undefined : counts?.[one];
            return (
              <button
                key={one}
                type="button"
                className={css.filter}
                aria-pressed={filter === one}
                onClick={() => setFilter(one)}
                data-testid={T.stock.filter(one)}
              >
                {t(`stock.filter.${one}`)}
                {count !== undefined && count > 0 && <span className={css.count}>{number(count)}</span>}
              </button>
            );
          })}
        </fieldset>
        <Button
          variant="default"
          className={css.new}
          leftSection={<IconPlus size={18} stroke={1.5} />}
          onClick={() => take({ do: "create" })}
          data-testid={T.stock.newItem}
        >
          {t("stock.new")}
        </Button>
      </div>
      <StockList
        view={{ search, filter, sort: sort.by, descending: sort.descending }}
        onSort={(by) => setSort((now) => ({ by, descending: now.by === by && !now.descending }))}
        onShowAll={() => {
          setFilter("all");
          take({ do: "search", text: "" });
        }}
      />
    </>
  );
}
