//! Every edge from a list to an object is loaded for the whole list at once.
//!
//! The surprise: there is no waiting for more keys by the clock. A load starts when the request has
//! nothing left to do without it (`gather`).

use super::gather::Gathered;
use crate::{
    app::{App, Principal},
    store::queries::{
        Page, Reader, Rows,
        balances::{self, Balance, Owner},
        movements::{self, MovementRow},
        records, sums,
    },
};
use async_graphql::{
    Request,
    dataloader::{DataLoader, HashMapCache, Loader},
};
use std::{collections::HashMap, hash::Hash, sync::Arc, time::Duration};
use stillage_core::{
    id::{ItemId, MovementId},
    money::Money,
    quantity::Quantity,
    record::{Kind, Record, Ref},
};
use uuid::Uuid;

/// What is loaded together, for one reader and one request.
#[derive(Debug)]
pub struct Loads(Reader);

type Shared = Arc<sqlx::Error>;

/// On hand over all places.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct OnHand(pub ItemId);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AverageCost(pub ItemId);
/// The movement that reverses one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReversalOf(pub MovementId);
/// Records under a parent.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Under(pub Kind, pub Uuid, pub Page);
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct CellsOf(pub Owner, pub Uuid, pub Page);
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MovementsOf(pub Uuid, pub Page);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountUnder(pub Kind, pub Uuid);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountCells(pub Owner, pub Uuid);
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CountMovements(pub Uuid);

/// What this principal may read.
#[must_use]
pub fn reader(app: &App, principal: &Principal) -> Reader {
    Reader { pool: app.pool.clone(), org: app.org, person: principal.person, sites: principal.sites.clone() }
}

/// Gives a request its loaders, whose loads are gathered.
#[must_use]
pub fn attach(request: Request, reader: Reader, gathered: &Gathered) -> Request {
    let gathered = gathered.clone();
    let spawn = move |load| gathered.add(load);
    request.data(DataLoader::with_cache(Loads(reader), spawn, HashMapCache::default()).delay(Duration::ZERO))
}

impl Loader<Ref> for Loads {
    type Value = Record;
    type Error = Shared;

    async fn load(&self, keys: &[Ref]) -> Result<HashMap<Ref, Record>, Shared> {
        records::records_by_id(&self.0, keys).await.map_err(Arc::new)
    }
}

impl Loader<OnHand> for Loads {
    type Value = Quantity;
    type Error = Shared;

    async fn load(&self, keys: &[OnHand]) -> Result<HashMap<OnHand, Quantity>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let found = balances::on_hand_of(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, sum)| (OnHand(ItemId(id)), sum)).collect())
    }
}

impl Loader<AverageCost> for Loads {
    type Value = Money;
    type Error = Shared;

    async fn load(&self, keys: &[AverageCost]) -> Result<HashMap<AverageCost, Money>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let found = sums::average_costs_of(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, cost)| (AverageCost(ItemId(id)), cost)).collect())
    }
}

impl Loader<MovementId> for Loads {
    type Value = MovementRow;
    type Error = Shared;

    async fn load(&self, keys: &[MovementId]) -> Result<HashMap<MovementId, MovementRow>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        movements::movements_by_id(&self.0, &ids).await.map_err(Arc::new)
    }
}

impl Loader<ReversalOf> for Loads {
    type Value = MovementRow;
    type Error = Shared;

    async fn load(&self, keys: &[ReversalOf]) -> Result<HashMap<ReversalOf, MovementRow>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0.0).collect();
        let found = movements::reversals_of(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, row)| (ReversalOf(id), row)).collect())
    }
}

impl Loader<Under> for Loads {
    type Value = Rows<Record>;
    type Error = Shared;

    async fn load(&self, keys: &[Under]) -> Result<HashMap<Under, Rows<Record>>, Shared> {
        let mut loaded = HashMap::new();
        for ((kind, page), ids) in grouped(keys, |key| ((key.0, key.2.clone()), key.1)) {
            let found = records::records_under(&self.0, kind, &ids, &page).await?;
            loaded.extend(found.into_iter().map(|(id, rows)| (Under(kind, id, page.clone()), rows)));
        }
        Ok(loaded)
    }
}

impl Loader<CellsOf> for Loads {
    type Value = Rows<Balance>;
    type Error = Shared;

    async fn load(&self, keys: &[CellsOf]) -> Result<HashMap<CellsOf, Rows<Balance>>, Shared> {
        let mut loaded = HashMap::new();
        for ((owner, page), ids) in grouped(keys, |key| ((key.0, key.2.clone()), key.1)) {
            let found = balances::balances_of(&self.0, owner, &ids, &page).await?;
            loaded.extend(found.into_iter().map(|(id, rows)| (CellsOf(owner, id, page.clone()), rows)));
        }
        Ok(loaded)
    }
}

impl Loader<MovementsOf> for Loads {
    type Value = Rows<MovementRow>;
    type Error = Shared;

    async fn load(&self, keys: &[MovementsOf]) -> Result<HashMap<MovementsOf, Rows<MovementRow>>, Shared> {
        let mut loaded = HashMap::new();
        for (page, ids) in grouped(keys, |key| (key.1.clone(), key.0)) {
            let found = movements::movements_of(&self.0, &ids, &page).await?;
            loaded.extend(found.into_iter().map(|(id, rows)| (MovementsOf(id, page.clone()), rows)));
        }
        Ok(loaded)
    }
}

impl Loader<CountUnder> for Loads {
    type Value = i64;
    type Error = Shared;

    async fn load(&self, keys: &[CountUnder]) -> Result<HashMap<CountUnder, i64>, Shared> {
        let mut loaded = HashMap::new();
        for (kind, ids) in grouped(keys, |key| (key.0, key.1)) {
            let found = records::records_under_count(&self.0, kind, &ids).await?;
            loaded.extend(found.into_iter().map(|(id, count)| (CountUnder(kind, id), count)));
        }
        Ok(loaded)
    }
}

impl Loader<CountCells> for Loads {
    type Value = i64;
    type Error = Shared;

    async fn load(&self, keys: &[CountCells]) -> Result<HashMap<CountCells, i64>, Shared> {
        let mut loaded = HashMap::new();
        for (owner, ids) in grouped(keys, |key| (key.0, key.1)) {
            let found = balances::balances_of_count(&self.0, owner, &ids).await?;
            loaded.extend(found.into_iter().map(|(id, count)| (CountCells(owner, id), count)));
        }
        Ok(loaded)
    }
}

impl Loader<CountMovements> for Loads {
    type Value = i64;
    type Error = Shared;

    async fn load(&self, keys: &[CountMovements]) -> Result<HashMap<CountMovements, i64>, Shared> {
        let ids: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let found = movements::movements_of_count(&self.0, &ids).await?;
        Ok(found.into_iter().map(|(id, count)| (CountMovements(id), count)).collect())
    }
}

/// The same list asked of several owners is one statement.
fn grouped<K, G: Hash + Eq>(keys: &[K], split: impl Fn(&K) -> (G, Uuid)) -> HashMap<G, Vec<Uuid>> {
    let mut groups: HashMap<G, Vec<Uuid>> = HashMap::new();
    for key in keys {
        let (group, id) = split(key);
        groups.entry(group).or_default().push(id);
    }
    groups
}
