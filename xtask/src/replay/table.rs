//! What a run reports, for people and for programs.

use serde::Serialize;
use std::fmt;

/// More differences than anybody reads.
const SHOWN: usize = 50;

#[derive(Debug, Serialize)]
pub struct Report {
    pub lines: usize,
    pub skipped: usize,
    pub devices: usize,
    pub seed: u64,
    pub skus: usize,
    pub seconds: f64,
    pub movements_per_s: f64,
    pub bytes_per_movement: f64,
    pub cuts: usize,
    pub kills: usize,
    pub server_kills: usize,
    /// Requests whose answer a kill swallowed and which had been done nevertheless.
    pub survived: usize,
    /// SKUs that two or more devices moved while both were offline.
    pub shared_skus: usize,
    pub conflicts: usize,
    pub rejections: usize,
    pub below_zero: usize,
    /// Which of the promises about the disorder of a run this one did not keep.
    pub shortfalls: Vec<String>,
    pub verdict: &'static str,
    pub differences: Vec<String>,
}

impl Report {
    /// Fills in the verdict from the differences and the promises every run must keep.
    #[must_use]
    pub fn close(mut self) -> Self {
        self.verdict = if self.differences.is_empty() { "AGREE" } else { "DIFFER" };
        if self.differences.len() > SHOWN {
            let more = self.differences.len() - SHOWN;
            self.differences.truncate(SHOWN);
            self.differences.push(format!("and {more} more"));
        }
        let mut needed =
            vec![("SKUs moved by two devices while both were offline", self.shared_skus, self.skus.div_ceil(5))];
        if self.lines >= 100_000 {
            needed.extend([("cuts", self.cuts, 50), ("kills", self.kills, 10), ("conflicts", self.conflicts, 20)]);
        }
        let short = needed.into_iter().filter(|(_, got, least)| got < least);
        self.shortfalls =
            short.map(|(what, got, least)| format!("{got} {what}, where {least} are the least")).collect();
        self
    }

    #[must_use]
    pub fn held(&self) -> bool {
        self.verdict == "AGREE" && self.shortfalls.is_empty()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = 100.0 * self.shared_skus as f64 / self.skus.max(1) as f64;
        let rows = [
            ("lines", format!("{} ({} of quantity 0 skipped)", self.lines, self.skipped)),
            ("devices, seed", format!("{}, {}", self.devices, self.seed)),
            (
                "movements per second",
                format!("{:.0} over {:.0} s, until all agree", self.movements_per_s, self.seconds),
            ),
            ("bytes per movement", format!("{:.1} sent and received by all devices", self.bytes_per_movement)),
            ("network cuts", self.cuts.to_string()),
            ("devices killed", format!("{} ({} invoices under way had been stored)", self.kills, self.survived)),
            ("server killed", self.server_kills.to_string()),
            (
                "SKUs moved by two or more, both offline",
                format!("{} of {} ({percent:.0} %)", self.shared_skus, self.skus),
            ),
            ("conflicts in inboxes", self.conflicts.to_string()),
            ("rejections in inboxes", self.rejections.to_string()),
            ("cells reported below zero", self.below_zero.to_string()),
            ("verdict", self.verdict.to_owned()),
        ];
        for (what, value) in rows {
            writeln!(f, "{what:<42}{value}")?;
        }
        self.shortfalls.iter().try_for_each(|what| writeln!(f, "too little: {what}"))?;
        self.differences.iter().try_for_each(|what| writeln!(f, "differs: {what}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(lines: usize) -> Report {
        Report {
            lines,
            skipped: 0,
            devices: 4,
            seed: 1,
            skus: 100,
            seconds: 10.0,
            movements_per_s: 100.0,
            bytes_per_movement: 90.0,
            cuts: 60,
            kills: 10,
            server_kills: 1,
            survived: 1,
            shared_skus: 20,
            conflicts: 20,
            rejections: 0,
            below_zero: 3,
            shortfalls: vec![],
            verdict: "",
            differences: vec![],
        }
    }

    #[test]
    fn a_run_that_agrees_and_was_disorderly_enough_holds() {
        assert!(report(100_000).close().held());
    }

    #[test]
    fn one_difference_is_enough_to_differ_and_the_report_stays_readable() {
        let report = Report { differences: vec!["x".into(); 900], ..report(10) }.close();
        assert_eq!((report.verdict, report.differences.len()), ("DIFFER", 51));
        assert!(!report.held());
    }

    #[test]
    fn a_long_run_with_too_few_cuts_kills_or_conflicts_proves_nothing_and_does_not_hold() {
        let report = Report { cuts: 49, kills: 9, conflicts: 19, ..report(100_000) }.close();
        assert_eq!((report.verdict, report.shortfalls.len()), ("AGREE", 3));
        assert!(!report.held());
    }

    #[test]
    fn a_run_whose_devices_hardly_met_does_not_hold() {
        assert!(!Report { shared_skus: 19, ..report(10) }.close().held());
    }
}
