//! The lists of what happens: stock, movements, and the inbox.

use super::{
    fault::Result,
    filters::{InboxFilter, MovementsFilter, StockFilter, StockSortKey, cells, moved},
    inbox::{InboxKind, InboxRow},
    movements::Movement,
    page::{List, PageArgs, Total, connection},
    reader,
    stock::StockLevel,
};
use crate::store::queries::{
    balances::{self, BalanceSort, balances_page},
    movements::{self, movements_page},
    records::{RecordFilter, RecordSort, key_fits, records_page},
};
use async_graphql::{Context, Object, OutputType};
use stillage_core::{
    decide,
    record::{Kind, Record},
};

/// One kind of record as a list.
pub struct RecordList {
    pub kind: Kind,
    pub filter: RecordFilter,
    pub sort: RecordSort,
    pub reverse: bool,
}

impl RecordList {
    /// One page of it.
    pub async fn page<T: OutputType + From<Record>>(self, ctx: &Context<'_>, args: &PageArgs) -> Result<List<T>> {
        let reader = reader(ctx)?;
        let order = format!("{}/{:?}/{}", self.kind, self.sort, self.reverse);
        let page = args.page(&order, |key| key_fits(self.sort, key))?;
        let rows = records_page(&reader, self.kind, &self.filter, (self.sort, self.reverse), &page).await?;
        let total = Total::Records(self.kind, Box::new(self.filter));
        Ok(connection(&page, &order, rows, total, T::from))
    }
}

#[derive(Debug, Default)]
pub struct ListQuery;

#[Object]
#[expect(clippy::too_many_arguments, reason = "the arguments of a GraphQL field")]
impl ListQuery {
    /// What is on hand, cell by cell.
    async fn stock(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<StockFilter>,
        #[graphql(default_with = "StockSortKey::Item")] sort_key: StockSortKey,
        #[graphql(default = false)] reverse: bool,
    ) -> Result<List<StockLevel>> {
        let filter = cells(&filter.unwrap_or_default())?;
        let sort = match sort_key {
            StockSortKey::Item => BalanceSort::Item,
            StockSortKey::Location => BalanceSort::Location,
        };
        let order = format!("stock/{sort:?}/{reverse}");
        let page = PageArgs::new(first, after, last, before).page(&order, |key| balances::key_fits(sort, key))?;
        let rows = balances_page(&reader(ctx)?, &filter, (sort, reverse), &page).await?;
        Ok(connection(&page, &order, rows, Total::Cells(Box::new(filter)), StockLevel::from))
    }

    /// Movements, newest first; oldest first with `reverse`.
    async fn movements(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<MovementsFilter>,
        #[graphql(default = false)] reverse: bool,
    ) -> Result<List<Movement>> {
        let filter = moved(filter.unwrap_or_default())?;
        let order = format!("movements/{reverse}");
        let page = PageArgs::new(first, after, last, before).page(&order, movements::key_fits)?;
        let rows = movements_page(&reader(ctx)?, &filter, !reverse, &page).await?;
        Ok(connection(&page, &order, rows, Total::Movements(Box::new(filter)), Into::into))
    }

    /// What waits for the caller, oldest first; newest first with `reverse`.
    async fn inbox(
        &self,
        ctx: &Context<'_>,
        first: Option<i32>,
        after: Option<String>,
        last: Option<i32>,
        before: Option<String>,
        filter: Option<InboxFilter>,
        #[graphql(default = false)] reverse: bool,
    ) -> Result<List<InboxRow>> {
        let given = filter.unwrap_or(InboxFilter { resolved: Some(false), kinds: None });
        let mut fields = vec![("person", vec![reader(ctx)?.person.to_string()])];
        let state = |resolved| if resolved { "resolved" } else { "open" };
        fields.extend(given.resolved.map(|resolved| ("state", vec![state(resolved).to_owned()])));
        let name = |kind: InboxKind| decide::InboxKind::from(kind).name();
        fields.extend(given.kinds.map(|kinds| ("kind", kinds.into_iter().map(name).collect())));
        let filter = RecordFilter { fields, ..RecordFilter::default() };
        let list = RecordList { kind: Kind::Inbox, filter, sort: RecordSort::Version, reverse };
        list.page(ctx, &PageArgs::new(first, after, last, before)).await
    }
}
