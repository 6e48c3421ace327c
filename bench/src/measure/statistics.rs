//! Medians and spreads of few numbers, percentiles of many.

use std::fmt;

/// The middle of several measurements, and how far they lie apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one; of an even number, the mean of the two in the middle.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
}

impl Spread {
    /// Returns the spread of the numbers; of none, zero.
    pub fn of(numbers: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = numbers.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let (Some(&min), Some(&max)) = (sorted.first(), sorted.last()) else {
            return Self { median: 0.0, min: 0.0, max: 0.0 };
        };
        let middle = sorted.len() / 2;
        let median = if sorted.len() % 2 == 1 {
            sorted[middle]
        } else {
            f64::midpoint(sorted[middle - 1], sorted[middle])
        };
        Self { median, min, max }
    }

    /// Returns the spread of `a / b`, pair by pair: the repetitions that were measured next to each
    /// other.
    pub fn of_ratios(a: &[f64], b: &[f64]) -> Self {
        Self::of(a.iter().zip(b).map(|(a, b)| a / b))
    }

    /// Returns the spread of `a - b`, pair by pair.
    pub fn of_differences(a: &[f64], b: &[f64]) -> Self {
        Self::of(a.iter().zip(b).map(|(a, b)| a - b))
    }
}

impl fmt::Display for Spread {
    /// Writes `median (min–max)` with the formatter's precision.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = f.precision().unwrap_or(0);
        write!(f, "{:.digits$} ({:.digits$}–{:.digits$})", self.median, self.min, self.max)
    }
}

/// Returns the value below which `percent` of the numbers lie, by the nearest rank; of none, zero.
pub fn percentile(numbers: impl IntoIterator<Item = f64>, percent: usize) -> f64 {
    let mut sorted: Vec<f64> = numbers.into_iter().collect();
    sorted.sort_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_spread(numbers: &[f64], expected: &str) {
        assert_eq!(format!("{:.1}", Spread::of(numbers.iter().copied())), expected);
    }

    #[test]
    fn a_spread_has_the_middle_and_the_ends() {
        check_spread(&[3.0, 1.0, 2.0], "2.0 (1.0–3.0)");
        check_spread(&[4.0, 1.0, 2.0, 3.0], "2.5 (1.0–4.0)");
        check_spread(&[], "0.0 (0.0–0.0)");
    }

    #[test]
    fn ratios_are_taken_between_neighbours() {
        let ratios = Spread::of_ratios(&[1.0, 4.0, 9.0], &[2.0, 4.0, 3.0]);
        assert_eq!(ratios, Spread { median: 1.0, min: 0.5, max: 3.0 });
    }

    #[track_caller]
    fn check_percentile(count: u32, percent: usize, expected: f64) {
        let found = percentile((1..=count).rev().map(f64::from), percent);
        assert!((found - expected).abs() < f64::EPSILON, "{found}");
    }

    #[test]
    fn a_percentile_is_one_of_the_numbers() {
        check_percentile(100, 50, 50.0);
        check_percentile(100, 99, 99.0);
        check_percentile(10, 99, 10.0);
        check_percentile(1, 50, 1.0);
        check_percentile(0, 50, 0.0);
    }
}
