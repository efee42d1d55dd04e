//! What was measured, beside its limit and its goal, as a table and as JSON.

use serde::Serialize;
use std::fmt;

/// What a figure has to reach. The part that speaks of the raw limit is measured in the same run.
#[derive(Debug, Clone, Copy)]
pub enum Goal {
    /// A rate: at least so many, and at least so much of the raw rate.
    AtLeast(Option<f64>, Option<f64>),
    /// A time: at most so long, and at most so many times the raw time.
    AtMost(Option<f64>, Option<f64>),
}

impl Goal {
    fn is_met(self, value: f64, ratio: f64) -> bool {
        match self {
            Self::AtLeast(absolute, of_raw) => {
                absolute.is_none_or(|limit| value >= limit) && of_raw.is_none_or(|limit| ratio >= limit)
            }
            Self::AtMost(absolute, of_raw) => {
                absolute.is_none_or(|limit| value <= limit) && of_raw.is_none_or(|limit| ratio <= limit)
            }
        }
    }
}

impl fmt::Display for Goal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (sign, absolute, of_raw) = match self {
            Self::AtLeast(absolute, of_raw) => (">=", absolute, of_raw),
            Self::AtMost(absolute, of_raw) => ("<=", absolute, of_raw),
        };
        let parts: Vec<String> = absolute
            .iter()
            .map(|limit| format!("{sign} {limit}"))
            .chain(of_raw.iter().map(|limit| format!("{sign} {limit} x raw")))
            .collect();
        f.write_str(if parts.is_empty() { "–".to_owned() } else { parts.join(" and ") }.as_str())
    }
}

/// One thing that is measured.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    pub name: &'static str,
    pub unit: &'static str,
    pub goal: Goal,
}

/// What one repetition said about one metric.
#[derive(Debug, Clone, Copy)]
pub struct Sample {
    pub name: &'static str,
    pub value: f64,
    pub raw: f64,
}

#[derive(Debug, Serialize)]
pub struct Row {
    pub name: &'static str,
    pub value: f64,
    pub unit: &'static str,
    pub raw: f64,
    pub ratio: f64,
    pub goal: String,
    pub met: bool,
}

impl Row {
    /// The medians of all repetitions of one metric.
    pub fn of(metric: &Metric, samples: &[Sample]) -> Option<Self> {
        let own: Vec<&Sample> = samples.iter().filter(|sample| sample.name == metric.name).collect();
        let value = percentile(own.iter().map(|sample| sample.value).collect(), 0.5)?;
        let raw = percentile(own.iter().map(|sample| sample.raw).collect(), 0.5)?;
        let ratio = value / raw;
        let met = metric.goal.is_met(value, ratio);
        let (value, raw, ratio) = (rounded(value), rounded(raw), rounded(ratio));
        Some(Self { name: metric.name, value, unit: metric.unit, raw, ratio, goal: metric.goal.to_string(), met })
    }
}

/// The value below which this part of all values lies; of an even number the lower middle one.
pub fn percentile(mut values: Vec<f64>, part: f64) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a short list")]
    let place = (last as f64 * part).floor() as usize;
    values.get(place).copied()
}

/// Three decimals below a hundred, none above: more would only be noise.
fn rounded(value: f64) -> f64 {
    if value.abs() < 100.0 { (value * 1000.0).round() / 1000.0 } else { value.round() }
}

/// Everything a run says.
#[derive(Debug, Serialize)]
pub struct Report {
    pub seed: u64,
    pub reps: u32,
    pub machine: super::machine::Machine,
    pub durability: Vec<(String, String)>,
    pub rows: Vec<Row>,
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.machine)?;
        let durability: Vec<String> = self.durability.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        writeln!(f, "{}", durability.join(", "))?;
        writeln!(f, "seed {}, medians of {} repetitions\n", self.seed, self.reps)?;
        writeln!(f, "| name | value | unit | raw | ratio | goal | met |")?;
        writeln!(f, "| --- | ---: | --- | ---: | ---: | --- | --- |")?;
        for row in &self.rows {
            let met = if row.met { "yes" } else { "no" };
            let Row { name, value, unit, raw, ratio, goal, .. } = row;
            let or_none = |figure: &f64| if figure.is_finite() { figure.to_string() } else { "–".to_owned() };
            let (raw, ratio) = (or_none(raw), or_none(ratio));
            writeln!(f, "| {name} | {value} | {unit} | {raw} | {ratio} | {goal} | {met} |")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_must_reach_both_its_figure_and_its_part_of_the_limit() {
        let goal = Goal::AtLeast(Some(100.0), Some(0.5));
        assert!(goal.is_met(100.0, 0.5));
        assert!(!goal.is_met(99.0, 0.9));
        assert!(!goal.is_met(200.0, 0.4));
        assert_eq!(goal.to_string(), ">= 100 and >= 0.5 x raw");
    }

    #[test]
    fn the_middle_of_three_is_their_median() {
        assert_eq!(percentile(vec![3.0, 1.0, 2.0], 0.5), Some(2.0));
        assert_eq!(percentile(Vec::new(), 0.5), None);
    }
}
