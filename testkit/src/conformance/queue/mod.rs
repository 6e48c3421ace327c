//! The suite of [`Queue`](shared::ports::Queue) and [`EventSource`].

mod bodies;
mod dead_letters;
mod deduplication;
mod groups;
mod order;
mod receipts;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use shared::fifo::QueueSettings;
use shared::ports::{Delivery, Durability, EventSource, OutgoingMessage, QueueError, Receipt};

/// The visibility timeout of every queue in the suite.
const VISIBILITY: Duration = Duration::from_secs(30);
/// A second less.
const NEARLY: Duration = Duration::from_secs(29);
/// The largest number of receives of every queue in the suite.
const MAX_RECEIVES: u32 = 3;

/// Checks a queue; `make` returns an empty one with the settings it is given.
pub async fn queue(make: impl AsyncFn(QueueSettings) -> Arc<dyn EventSource>) {
    queue_except(make, &[]).await;
}

/// Checks a queue, without some checks: for a stand-in that is known to differ from its service
/// there.
pub async fn queue_except(
    make: impl AsyncFn(QueueSettings) -> Arc<dyn EventSource>,
    except: &[&str],
) {
    let case = async || Case(make(QueueSettings::new(VISIBILITY, MAX_RECEIVES)).await);
    super::checks! { case, except;
        order::an_empty_queue_hands_out_nothing,
        order::a_message_arrives_as_it_was_sent,
        order::a_group_is_handed_out_in_order,
        order::one_receive_may_hand_out_several_of_a_group_in_order,
        order::a_receive_hands_out_at_most_what_was_asked_for,
        groups::a_group_in_flight_is_locked,
        groups::other_groups_go_on,
        groups::a_group_is_locked_until_all_of_a_receive_is_settled,
        groups::what_was_not_settled_comes_again_in_order,
        groups::no_group_starves_another,
        groups::a_thousand_groups_are_drained,
        receipts::a_message_comes_again_after_its_visibility_timeout,
        receipts::a_longer_visibility_keeps_a_message_hidden,
        receipts::visibility_zero_gives_a_message_back_at_once,
        receipts::a_stale_handle_is_refused,
        receipts::a_message_that_is_gone_is_deleted_already,
        receipts::a_handle_that_no_queue_gave_out_is_refused,
        dead_letters::a_message_received_too_often_becomes_a_dead_letter,
        dead_letters::the_group_goes_on_behind_a_dead_letter,
        dead_letters::a_redrive_moves_dead_letters_behind_newer_messages,
        dead_letters::an_empty_redrive_moves_nothing,
        dead_letters::dead_letters_are_listed_oldest_first,
        deduplication::a_second_message_with_one_id_is_dropped,
        deduplication::deduplication_survives_delete,
        deduplication::deduplication_survives_a_redrive,
        bodies::a_body_that_cannot_be_carried_is_refused,
        bodies::the_largest_body_is_carried,
        bodies::every_legal_character_is_carried,
        waiting::ready_returns_when_a_message_is_there,
        waiting::ready_returns_when_a_message_is_sent,
        waiting::ready_returns_when_a_visibility_timeout_ends,
        waiting::ready_returns_when_a_group_is_unlocked,
    }
}

/// An empty queue.
struct Case(Arc<dyn EventSource>);

impl Case {
    /// Sends a body that is its own deduplication id, but for the spaces.
    async fn send(&self, group: &str, body: &str) {
        self.send_with_id(group, &body.replace(' ', "-"), body).await.unwrap();
    }

    async fn send_with_id(&self, group: &str, id: &str, body: &str) -> Result<(), QueueError> {
        let [group, deduplication_id, body] = [group, id, body].map(str::to_owned);
        self.0
            .send(OutgoingMessage { group, deduplication_id, body, durability: Durability::Synced })
            .await
    }

    async fn receive(&self, max: usize) -> Vec<Delivery> {
        self.0.receive(max).await.unwrap()
    }

    async fn receive_one(&self) -> Delivery {
        let mut deliveries = self.receive(1).await;
        assert_eq!(deliveries.len(), 1);
        deliveries.remove(0)
    }

    /// Checks what is available now, and takes it.
    async fn expect(&self, bodies: &[&str]) -> Vec<Delivery> {
        let deliveries = self.receive(100).await;
        assert_eq!(bodies_of(&deliveries), bodies);
        deliveries
    }

    async fn delete(&self, delivery: &Delivery) {
        self.0.delete(&delivery.receipt).await.unwrap();
    }

    async fn hide(&self, delivery: &Delivery, visibility: Duration) {
        self.0.change_visibility(&delivery.receipt, visibility).await.unwrap();
    }

    async fn give_back(&self, delivery: &Delivery) {
        self.hide(delivery, Duration::ZERO).await;
    }

    /// Receives the first message as often as the queue allows, and makes it a dead letter.
    async fn bury(&self) -> Delivery {
        let mut delivery = self.receive_one().await;
        for count in 2..=MAX_RECEIVES {
            self.give_back(&delivery).await;
            delivery = self.receive_one().await;
            assert_eq!(delivery.receive_count, count);
        }
        self.give_back(&delivery).await;
        delivery
    }

    async fn dead(&self) -> Vec<String> {
        self.0.dead_letters(100).await.unwrap().into_iter().map(|letter| letter.body).collect()
    }

    async fn assert_stale(&self, receipt: &Receipt) {
        assert!(matches!(self.0.delete(receipt).await, Err(QueueError::StaleReceipt)));
        let changed = self.0.change_visibility(receipt, VISIBILITY).await;
        assert!(matches!(changed, Err(QueueError::StaleReceipt)));
    }
}

fn bodies_of(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.body.as_str()).collect()
}

/// Lets a visibility timeout end, and a little more.
async fn pass(span: Duration) {
    tokio::time::sleep(span + Duration::from_millis(10)).await;
}
