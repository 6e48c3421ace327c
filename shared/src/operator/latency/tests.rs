use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn of(values: &[u64]) -> Latency {
    let mut latency = Latency::default();
    for value in values {
        latency.record(*value);
    }
    latency
}

fn stored(latency: &Latency) -> Latency {
    serde_json::from_str(&serde_json::to_string(latency).unwrap()).unwrap()
}

fn exact(values: &[u64], percent: usize) -> u64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    sorted[(sorted.len() * percent).div_ceil(100) - 1]
}

/// Milliseconds of every size, up to the longest.
fn millis() -> impl Strategy<Value = u64> {
    prop_oneof![0..2_000_u64, 0..200_000_u64, (0_u32..27).prop_map(|n| 1 << n), 0..=LONGEST]
        .prop_map(|millis| millis.min(LONGEST))
}

proptest! {
    #[test]
    fn percentiles_are_within_2_percent_of_the_exact_ones(
        parts in vec(vec(millis(), 1..200), 1..6)
    ) {
        // Each part is stored and read again before it is merged, as rows of figures are.
        let mut merged = Latency::default();
        for part in &parts {
            merged.add(&stored(&of(part)));
            merged = stored(&merged);
        }
        let values = parts.concat();
        prop_assert_eq!(merged.count, u64::try_from(values.len()).unwrap());
        for percent in [1, 25, 50, 75, 90, 95, 99, 100] {
            let exact = exact(&values, percent.into());
            let found = merged.percentile(percent).unwrap();
            prop_assert!(found.abs_diff(exact) * 50 <= exact, "p{percent}: {found}, not {exact}");
        }
    }

    #[test]
    fn what_is_stored_is_read_as_it_was(values in vec(millis(), 0..300)) {
        let latency = of(&values);
        prop_assert_eq!(stored(&latency), latency);
    }

    #[test]
    fn broken_times_are_refused_or_read(text in "[A-Za-z0-9+/]{0,40}") {
        let text = format!(r#"{{"count":1,"times":"{text}"}}"#);
        drop(serde_json::from_str::<Latency>(&text));
    }
}

#[test]
fn percentiles_of_merged_halves_are_those_of_the_whole() {
    let all: Vec<u64> = (1..=1_000).collect();
    let (even, odd): (Vec<_>, Vec<_>) = all.iter().copied().partition(|n| n % 2 == 0);
    let whole = of(&all);
    let mut halves = of(&even);
    halves.add(&of(&odd));
    assert_eq!(halves, whole);
    assert_eq!(whole.percentile(50), Some(501));
    assert_eq!(whole.sum_ms, 500_500);
    assert_eq!(Latency::default().percentile(50), None);
    let counts = [0, 7, 8, 9, 10].map(|exponent| whole.within(exponent));
    assert_eq!(counts, [1, 128, 255, 511, 1_000]);
}

#[test]
fn few_values_are_exact() {
    let latency = of(&[5_123, 87_654, 0]);
    assert_eq!(latency.percentile(50), Some(5_123));
    assert_eq!(latency.percentile(99), Some(87_654));
    assert_eq!([0, 13, 17].map(|exponent| latency.within(exponent)), [1, 2, 3]);
}

#[test]
fn a_latency_takes_no_more_memory_and_room_the_more_is_measured() {
    let of_many = |count: u64| of(&(0..count).map(|n| n * 7_919 % 100_000).collect::<Vec<_>>());
    let size = |latency: &Latency| serde_json::to_string(latency).unwrap().len();
    let many = of_many(100_000);
    assert!(size(&many) < 2 * size(&of_many(10_000)), "{}", size(&many));
    assert!(size(&many) < 8_000, "{}", size(&many));
    let Times::Many(histogram) = &many.times else { panic!("these are many") };
    assert!(histogram.distinct_values() <= 2_000);
}

#[test]
fn figures_of_version_0_1_are_read_and_marked() {
    let old = r#"{"count":4,"sum_ms":70,"bounds":{"7":1,"8":2,"12":1}}"#;
    let mut latency: Latency = serde_json::from_str(old).unwrap();
    assert!(latency.approximate);
    assert_eq!((latency.percentile(50), latency.percentile(99)), (Some(16), Some(64)));
    latency.add(&of(&[10]));
    assert!(stored(&latency).approximate, "what is merged with them is marked too");
    latency.sum_up();
    let shown = r#"{"count":5,"sum_ms":80,"p50":16,"p95":64,"p99":64,"approximate":true}"#;
    assert_eq!(serde_json::to_string(&latency).unwrap(), shown);
}
