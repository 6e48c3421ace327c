//! Plots as SVG inside the page: no script, no file beside it, colours from the page's style.

use std::fmt::Write as _;

use crate::output::{count, millis};

const WIDTH: f64 = 520.0;
const HEIGHT: f64 = 260.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = 36.0;
const TOP: f64 = 10.0;
const RIGHT: f64 = 36.0;
const TICKS: u32 = 4;

/// What an axis counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// Milliseconds.
    Time,
    /// Whole numbers.
    Number,
    /// Millionths of a dollar.
    Money,
}

impl Unit {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "ticks are small and not negative"
    )]
    fn label(self, value: f64) -> String {
        let whole = value.round().max(0.0) as u64;
        match self {
            Self::Time => millis(whole),
            Self::Number => count(whole),
            Self::Money => crate::output::money(shared::domain::MicroUsd(whole.cast_signed())),
        }
    }
}

/// Draws how many percent of the answers took at most so long: one line for the old ones, one for
/// the new.
pub(super) fn shares(title: &str, unit: Unit, old: &[f64], new: &[f64]) -> String {
    let most = nice(old.iter().chain(new).copied().fold(0.0, f64::max));
    let mut svg = frame(title, most, unit, 100.0, |value| format!("{value:.0} %"));
    for (class, values) in [("old", old), ("new", new)] {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let mut path = format!("M{:.1},{:.1}", x(0.0, most), y(0.0, 100.0));
        let total = sorted.len().max(1);
        for (rank, value) in sorted.iter().enumerate() {
            let before = percent(rank, total);
            let after = percent(rank + 1, total);
            let at = x(*value, most);
            let _ =
                write!(path, " L{at:.1},{:.1} L{at:.1},{:.1}", y(before, 100.0), y(after, 100.0));
        }
        let _ = write!(path, " L{:.1},{:.1}", x(most, most), y(100.0, 100.0));
        let _ = write!(svg, "<path class=\"line {class}\" d=\"{path}\"/>");
    }
    svg + "</svg></figure>"
}

/// Draws each pair as a dot: the old amount to the right, the new one upward; on the line they are
/// equal.
pub(super) fn dots(title: &str, unit: Unit, pairs: &[(f64, f64)]) -> String {
    let most = nice(pairs.iter().flat_map(|(old, new)| [*old, *new]).fold(0.0, f64::max));
    let mut svg = frame(title, most, unit, most, |value| unit.label(value));
    let from = (x(0.0, most), y(0.0, most));
    let to = (x(most, most), y(most, most));
    let _ = write!(
        svg,
        "<line class=\"even\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\"/>",
        from.0, from.1, to.0, to.1
    );
    for (old, new) in pairs {
        let _ = write!(
            svg,
            "<circle class=\"dot\" cx=\"{:.1}\" cy=\"{:.1}\" r=\"3\"/>",
            x(*old, most),
            y(*new, most)
        );
    }
    svg + "</svg></figure>"
}

/// Draws the parts of a whole as one bar.
pub(super) fn parts(title: &str, parts: &[(&str, &str, u64)]) -> String {
    let total: u64 = parts.iter().map(|(_, _, amount)| amount).sum::<u64>().max(1);
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} 70\" role=\"img\" \
        aria-label=\"{title}\">"
    );
    let mut at = 0.0;
    for (class, name, amount) in parts.iter().filter(|(_, _, amount)| *amount > 0) {
        let width = ratio(*amount, total) * WIDTH;
        let _ = write!(
            svg,
            "<rect class=\"{class}\" x=\"{at:.1}\" y=\"4\" width=\"{width:.1}\" height=\"30\"/>"
        );
        let _ = write!(svg, "<text x=\"{:.1}\" y=\"54\">{name} {amount}</text>", at + 4.0);
        at += width;
    }
    svg + "</svg></figure>"
}

fn frame(
    title: &str,
    most_x: f64,
    unit: Unit,
    most_y: f64,
    label_y: impl Fn(f64) -> String,
) -> String {
    let mut svg = format!(
        "<figure><figcaption>{title}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
        role=\"img\" aria-label=\"{title}\">"
    );
    for tick in 0..=TICKS {
        let part = f64::from(tick) / f64::from(TICKS);
        let at_x = x(part * most_x, most_x);
        let at_y = y(part * most_y, most_y);
        let _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" y1=\"{at_y:.1}\" x2=\"{:.1}\" y2=\"{at_y:.1}\"/>\
             <text class=\"y\" x=\"{:.1}\" y=\"{:.1}\">{}</text><text class=\"x\" x=\"{at_x:.1}\" \
             y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 6.0,
            at_y + 4.0,
            label_y(part * most_y),
            HEIGHT - BOTTOM + 18.0,
            unit.label(part * most_x),
        );
    }
    svg
}

fn x(value: f64, most: f64) -> f64 {
    LEFT + (WIDTH - LEFT - RIGHT) * (value / most)
}

fn y(value: f64, most: f64) -> f64 {
    HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * (value / most)
}

/// Returns a round number that is no smaller.
fn nice(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 1.0;
    }
    let power = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 4.0, 5.0, 8.0, 10.0]
        .into_iter()
        .map(|step| step * power)
        .find(|nice| *nice >= value)
        .unwrap_or(value)
}

#[expect(clippy::cast_precision_loss, reason = "a plot has no more than a thousand steps to show")]
fn percent(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64 * 100.0
}

#[expect(clippy::cast_precision_loss, reason = "a share of a bar")]
fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::float_cmp, reason = "they are made of whole numbers")]
    fn axes_end_at_round_numbers() {
        assert_eq!(
            [0.0, 7.0, 130.0, 1_000.0, 4_100.0].map(nice),
            [1.0, 8.0, 200.0, 1_000.0, 5_000.0]
        );
    }

    #[test]
    fn a_plot_of_nothing_is_a_plot() {
        assert!(shares("a", Unit::Time, &[], &[]).ends_with("</svg></figure>"));
        assert!(!dots("a", Unit::Money, &[(0.0, 0.0)]).contains("NaN"));
        assert!(parts("a", &[("old", "old", 0)]).contains("</svg>"));
    }
}
