//! The formula: Okapi BM25.

/// How quickly further occurrences of a term stop counting.
const K1: f64 = 1.2;
/// How much long passages are held back, from 0 to 1.
const B: f64 = 0.75;

/// What must be known of all passages to score one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Statistics {
    /// How many passages there are.
    pub passages: u64,
    /// How many terms they have in all, with repetitions.
    pub terms: u64,
}

/// The formula for one collection of passages.
#[derive(Debug, Clone, Copy)]
pub struct Bm25 {
    passages: f64,
    average_length: f64,
}

impl Bm25 {
    /// Takes the statistics of the collection.
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn new(statistics: Statistics) -> Self {
        let passages = statistics.passages.max(1) as f64;
        Self { passages, average_length: (statistics.terms.max(1) as f64) / passages }
    }

    /// Returns what a term tells that is in `frequency` of the passages: more, the rarer it is.
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn idf(&self, frequency: u64) -> f64 {
        let frequency = (frequency as f64).min(self.passages);
        (1.0 + (self.passages - frequency + 0.5) / (frequency + 0.5)).ln()
    }

    /// Returns how much `count` occurrences of a term count in a passage of `length` terms: from 0
    /// to `K1 + 1`. The term's share of the score is this times its idf.
    pub fn saturation(&self, count: u32, length: u32) -> f64 {
        let count = f64::from(count);
        let held_back = 1.0 - B + B * f64::from(length) / self.average_length;
        count * (K1 + 1.0) / (count + K1 * held_back)
    }
}
