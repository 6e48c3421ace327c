//! How long something took, as percentiles.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use hdrhistogram::Histogram;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Two significant digits: a value is at most 1 % off, and exact below 256 ms.
const DIGITS: u8 = 2;
/// 37 hours in milliseconds. Longer times count as this, which bounds the memory of a histogram.
const LONGEST: u64 = (1 << 27) - 1;
/// Up to so many values are kept as they are. A minute of one model holds a few: a histogram for
/// each of thousands of minutes would cost more than all else in a query.
const FEW: usize = 64;

/// How often something took how long. It can be merged, and its percentiles are within 2 % of the
/// exact ones.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(from = "StoredLatency")]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// How long they took together, in milliseconds.
    pub sum_ms: u64,
    /// The median in milliseconds; filled in for answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p50: Option<u64>,
    /// The 95th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p95: Option<u64>,
    /// The 99th percentile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub p99: Option<u64>,
    /// Whether the percentiles are approximate: some of the values were recorded by version 0.1, in
    /// steps of a factor of 1.41, and the events that they came from are gone.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub approximate: bool,
    /// What the percentiles are computed from; left out of answers.
    #[serde(skip_serializing_if = "Times::is_empty", serialize_with = "write")]
    times: Times,
}

/// A latency as this version and version 0.1 write it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct StoredLatency {
    count: u64,
    sum_ms: u64,
    p50: Option<u64>,
    p95: Option<u64>,
    p99: Option<u64>,
    approximate: bool,
    #[serde(deserialize_with = "read")]
    times: Times,
    /// Version 0.1: counts by the number of a bound; bound n is 2^(n/2) ms.
    bounds: BTreeMap<u8, u64>,
}

/// The values.
#[derive(Debug, Clone)]
enum Times {
    /// Few of them, or what was stored: each with how often it was measured, in no order.
    Few(Vec<(u64, u32)>),
    Many(Box<Histogram<u32>>),
}

impl From<StoredLatency> for Latency {
    fn from(stored: StoredLatency) -> Self {
        let StoredLatency { count, sum_ms, p50, p95, p99, approximate, mut times, bounds } = stored;
        for (bound, count) in &bounds {
            times.record(bound_of_0_1(*bound), u32::try_from(*count).unwrap_or(u32::MAX));
        }
        let approximate = approximate || !bounds.is_empty();
        Self { count, sum_ms, p50, p95, p99, approximate, times }
    }
}

impl Latency {
    /// Counts one that took so many milliseconds.
    pub fn record(&mut self, millis: u64) {
        self.count += 1;
        self.sum_ms = self.sum_ms.saturating_add(millis);
        self.times.record(millis, 1);
    }

    /// Adds what was measured elsewhere, or at another time.
    pub fn add(&mut self, other: &Self) {
        self.count += other.count;
        self.sum_ms = self.sum_ms.saturating_add(other.sum_ms);
        self.approximate |= other.approximate;
        self.times.add(&other.times);
    }

    /// Counts those that took at most 2^`exponent` ms.
    ///
    /// From 256 ms on, where several values share a bucket, one of exactly 2^`exponent` ms counts
    /// as longer: no value beyond the bound is ever counted.
    pub fn within(&self, exponent: u8) -> u64 {
        let bound = 1_u64.checked_shl(exponent.into()).unwrap_or(u64::MAX);
        match &self.times {
            Times::Few(values) => {
                let within = values.iter().filter(|(value, _)| *value <= bound);
                within.map(|(_, count)| u64::from(*count)).sum()
            }
            Times::Many(histogram) if bound < 256 => histogram.count_between(0, bound),
            Times::Many(histogram) => histogram.count_between(0, bound - 1),
        }
    }

    /// Returns the smallest value that so many percent do not exceed.
    pub fn percentile(&self, percent: u8) -> Option<u64> {
        self.times.percentiles([percent]).map(|[value]| value)
    }

    /// Fills in the percentiles, and leaves out what they were computed from.
    pub(super) fn sum_up(&mut self) {
        let percentiles = self.times.percentiles([50, 95, 99]);
        self.p50 = percentiles.map(|[p50, ..]| p50);
        self.p95 = percentiles.map(|[_, p95, _]| p95);
        self.p99 = percentiles.map(|[.., p99]| p99);
        self.times = Times::default();
    }
}

/// Latencies are equal if they tell the same, however it is kept.
impl PartialEq for Latency {
    fn eq(&self, other: &Self) -> bool {
        let facts = |latency: &Self| {
            let Self { count, sum_ms, p50, p95, p99, approximate, times } = latency;
            (*count, *sum_ms, *p50, *p95, *p99, *approximate, times.values())
        };
        facts(self) == facts(other)
    }
}

impl Default for Times {
    fn default() -> Self {
        Self::Few(Vec::new())
    }
}

impl Times {
    fn is_empty(&self) -> bool {
        match self {
            Self::Few(values) => values.is_empty(),
            Self::Many(histogram) => histogram.is_empty(),
        }
    }

    fn record(&mut self, millis: u64, count: u32) {
        let millis = millis.min(LONGEST);
        match self {
            Self::Few(values) if values.len() < FEW => values.push((millis, count)),
            Self::Few(_) => {
                self.become_many();
                self.record(millis, count);
            }
            // The histogram grows up to the longest time, so that this cannot fail.
            Self::Many(histogram) => {
                let _ = histogram.record_n(millis, count);
            }
        }
    }

    fn add(&mut self, other: &Self) {
        match other {
            Self::Few(values) => {
                for (value, count) in values {
                    self.record(*value, *count);
                }
            }
            Self::Many(more) => {
                self.become_many();
                if let Self::Many(histogram) = self {
                    let _ = histogram.add(&**more);
                }
            }
        }
    }

    fn become_many(&mut self) {
        let Self::Few(values) = self else { return };
        // The number of digits is one that it takes.
        let Ok(mut histogram) = Histogram::new(DIGITS) else { return };
        for (value, count) in values {
            let _ = histogram.record_n(*value, *count);
        }
        *self = Self::Many(Box::new(histogram));
    }

    /// Returns the values in ascending order, each once, with how often it was measured.
    fn values(&self) -> Vec<(u64, u32)> {
        match self {
            Self::Few(values) => {
                let mut sorted = values.clone();
                sorted.sort_unstable();
                sorted.dedup_by(|next, kept| {
                    let same = next.0 == kept.0;
                    if same {
                        kept.1 = kept.1.saturating_add(next.1);
                    }
                    same
                });
                sorted
            }
            Self::Many(histogram) => histogram
                .iter_recorded()
                .map(|step| (step.value_iterated_to(), step.count_at_value()))
                .collect(),
        }
    }

    /// Returns the nearest ranks; none where nothing was measured.
    fn percentiles<const N: usize>(&self, percents: [u8; N]) -> Option<[u64; N]> {
        if self.is_empty() {
            return None;
        }
        match self {
            Self::Few(_) => {
                let values = self.values();
                Some(percents.map(|percent| nearest_rank(&values, percent)))
            }
            Self::Many(histogram) => {
                Some(percents.map(|percent| histogram.value_at_percentile(f64::from(percent))))
            }
        }
    }
}

fn nearest_rank(values: &[(u64, u32)], percent: u8) -> u64 {
    let total: u64 = values.iter().map(|(_, count)| u64::from(*count)).sum();
    let rank = (total * u64::from(percent)).div_ceil(100).max(1);
    let mut seen = 0;
    let reached = values.iter().find(|(_, count)| {
        seen += u64::from(*count);
        seen >= rank
    });
    reached.map_or(0, |(value, _)| *value)
}

/// Writes the values as the differences between them and their counts, as LEB128 in base64: two
/// bytes for most, where a JSON object takes ten.
fn write<S: Serializer>(times: &Times, serializer: S) -> Result<S::Ok, S::Error> {
    let values = times.values();
    let mut bytes = Vec::with_capacity(values.len() * 3);
    let mut last = 0;
    for (value, count) in values {
        put(&mut bytes, value - last);
        put(&mut bytes, count.into());
        last = value;
    }
    serializer.serialize_str(&STANDARD_NO_PAD.encode(bytes))
}

fn read<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Times, D::Error> {
    let text = String::deserialize(deserializer)?;
    let bytes = STANDARD_NO_PAD.decode(text).map_err(D::Error::custom)?;
    let mut rest = bytes.as_slice();
    // However many there are, they are kept as they are: what is read is added to something else
    // next, and a histogram in between would double the cost of a query.
    let mut values = Vec::with_capacity(rest.len() / 2);
    let mut value: u64 = 0;
    while !rest.is_empty() {
        let numbers = take(&mut rest).zip(take(&mut rest));
        let (difference, count) = numbers.ok_or_else(|| D::Error::custom("times are cut off"))?;
        value = value.saturating_add(difference);
        values.push((value.min(LONGEST), u32::try_from(count).unwrap_or(u32::MAX)));
    }
    Ok(Times::Few(values))
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

fn take(bytes: &mut &[u8]) -> Option<u64> {
    let mut number: u64 = 0;
    for shift in (0..63).step_by(7) {
        let (byte, rest) = bytes.split_first()?;
        *bytes = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Returns the milliseconds of a bound of version 0.1.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 2^127")]
fn bound_of_0_1(bound: u8) -> u64 {
    2_f64.powf(f64::from(bound) / 2.0).round() as u64
}

#[cfg(test)]
mod tests;
