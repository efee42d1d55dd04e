//! Devices whose clock is wrong, and one that nobody has heard of for a long time. Nothing of it is
//! ever refused, and what one device did stays in the order in which it did it.

use super::world::{MINUTE, World};
use stillage_core::{change::Outcome, quantity::Quantity};

const DAY: i64 = 24 * 60 * MINUTE;
const YEAR: i64 = 365 * DAY;

#[tokio::test]
async fn a_clock_wrong_by_a_year_or_jumping_between_two_acts_keeps_the_order_of_the_acts() {
    for clock in [[YEAR; 3], [-YEAR; 3], [YEAR, 0, -YEAR], [0, -YEAR, YEAR], [-YEAR, YEAR, 0]] {
        let world = World::start().await;
        let (mut anna, shelf) = world.furnished().await;
        let now = world.app.mint.now();
        let acts = [shelf.receive(10), shelf.count(12), shelf.issue(1)];
        for (action, off) in acts.into_iter().zip(clock) {
            assert_eq!(anna.act(action, now + off).await, Outcome::Applied);
        }
        assert_eq!(world.on_hand(&shelf).await, Quantity::whole(11), "{clock:?}");
        world.check().await;
    }
}

#[tokio::test]
async fn a_drifting_clock_keeps_the_order_of_the_acts() {
    let world = World::start().await;
    let (mut anna, shelf) = world.furnished().await;
    let (start, mut expected) = (world.app.mint.now() - 30 * DAY, 0);
    for n in 0..40_i64 {
        // It runs backwards by a minute with every act, and is set right with every tenth.
        let at = start - n % 10 * MINUTE;
        let (action, next) = if n % 4 == 3 { (shelf.count(n), n) } else { (shelf.receive(1), expected + 1) };
        assert_eq!(anna.act(action, at).await, Outcome::Applied);
        expected = next;
    }
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(expected));
    world.check().await;
}

#[tokio::test]
async fn a_device_silent_for_a_hundred_days_hands_over_everything_and_catches_up() {
    let world = World::start().await;
    let (mut ben, shelf) = world.furnished().await;
    let mut anna = world.desk("Anna").await;
    anna.pull(5000).await;
    let now = world.app.mint.now();
    sqlx::query("UPDATE device_cursor SET seen_at = $2 WHERE device = $1")
        .bind(anna.principal.device.0)
        .bind(now - 100 * DAY)
        .execute(&world.app.pool)
        .await
        .unwrap();
    // What she did then, offline; and what others did since.
    let kept = anna.seal_all([shelf.receive(7), shelf.issue(2)], now - 100 * DAY);
    for day in 1..=20 {
        assert_eq!(ben.act(shelf.receive(day), now - (100 - day) * DAY).await, Outcome::Applied);
    }
    let answer = anna.push(kept).await;
    assert!(answer.refusal.is_none() && answer.results.iter().all(|result| result.outcome == Outcome::Applied));
    let before = anna.cursors.clone();
    while anna.pull(7).await.has_more {}
    assert!(anna.cursors != before && anna.settled == 2);
    assert_eq!(world.on_hand(&shelf).await, Quantity::whole(210 + 5));
    world.check().await;
}
