//! What the server keeps about items beside their records.

use super::Reader;
use std::collections::HashMap;
use stillage_core::{money::Money, quantity::ONE};
use uuid::Uuid;

/// The moving average cost of one base unit, rounded to whole minor units, half away from zero.
pub async fn average_costs_of(reader: &Reader, items: &[Uuid]) -> Result<HashMap<Uuid, Money>, sqlx::Error> {
    let rows: Vec<(Uuid, i64, String)> =
        sqlx::query_as("SELECT item, average, currency FROM item_cost WHERE org = $1 AND item = ANY($2)")
            .bind(reader.org.0)
            .bind(items)
            .fetch_all(&reader.pool)
            .await?;
    let known = rows.into_iter().filter(|(_, _, currency)| !currency.is_empty());
    Ok(known.map(|(item, average, currency)| (item, Money { minor: rounded(average), currency })).collect())
}

fn rounded(average: i64) -> i64 {
    let half = if average < 0 { -ONE / 2 } else { ONE / 2 };
    average.saturating_add(half) / ONE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_is_rounded_half_away_from_zero() {
        assert_eq!(rounded(1_499_999), 1);
        assert_eq!(rounded(1_500_000), 2);
        assert_eq!(rounded(-1_500_000), -2);
    }
}
