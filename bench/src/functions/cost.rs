//! What AWS bills for a thousand chats, without the model.

use super::cloud::Counts;

/// The calls that event source mappings make per chat: each of the two messages is received and
/// deleted.
pub const MAPPING_CALLS: u64 = 4;
/// The memory of each function, in gigabytes.
const MEMORY: f64 = 0.125;
/// How long the three functions are busy with a chat, in seconds: the reply, and a fifth of a
/// second around it.
const BUSY: f64 = 5.2;

/// List prices, in dollars for a million.
#[derive(Debug, Clone, Copy)]
pub struct Price {
    /// What is billed.
    pub name: &'static str,
    /// How much of it a chat takes.
    pub quantity: f64,
    /// Dollars for a million.
    pub million: f64,
}

/// Returns what a chat takes of everything that is billed, with its price in us-east-1.
#[expect(clippy::cast_precision_loss, reason = "a chat's calls are few")]
pub fn prices(counts: &Counts) -> [Price; 9] {
    let price = |name, quantity, million| Price { name, quantity, million };
    [
        price("REST requests", 1.0, 3.50),
        price("WebSocket messages", counts.frames as f64, 1.00),
        price("WebSocket minutes", 1.0, 0.25),
        price("SQS FIFO requests", queue_calls(counts) as f64, 0.50),
        price("DynamoDB write units", counts.writes as f64, 0.625),
        price("DynamoDB read units", counts.reads as f64, 0.125),
        price("events", counts.events as f64, 1.00),
        price("Lambda requests", 3.0, 0.20),
        price("Lambda GB-seconds (arm64)", BUSY * MEMORY, 13.3334),
    ]
}

/// Returns a chat's calls of SQS, the event source mapping's included.
pub fn queue_calls(counts: &Counts) -> u64 {
    counts.sends + counts.hides + MAPPING_CALLS
}

/// Returns dollars for a thousand chats.
pub fn thousand(prices: &[Price]) -> f64 {
    prices.iter().map(|price| price.quantity * price.million).sum::<f64>() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_chats_cost_the_sum_of_their_parts() {
        let prices = [
            Price { name: "a", quantity: 2.0, million: 3.0 },
            Price { name: "b", quantity: 0.5, million: 4.0 },
        ];
        assert!((thousand(&prices) - 0.008).abs() < 1e-12);
    }

    #[test]
    fn the_mappings_own_calls_count() {
        let counts = Counts { sends: 2, hides: 1, ..Counts::default() };
        assert_eq!(queue_calls(&counts), 7);
    }
}
