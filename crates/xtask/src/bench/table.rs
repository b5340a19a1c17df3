//! The one table: a row per quantity, both servers, their ratio, the target and the verdict.

use std::fmt::Write;

/// What was promised.
#[derive(Clone, Copy)]
pub enum Target {
    /// Ours divided by theirs.
    RatioMost(f64),
    RatioLeast(f64),
    /// Ours alone.
    ValueMost(f64),
    ValueLeast(f64),
    None,
}

pub struct Row {
    pub what: String,
    pub unit: &'static str,
    pub ours: f64,
    pub theirs: f64,
    pub target: Target,
}

impl Row {
    pub fn new(what: String, unit: &'static str, values: (f64, f64), target: Target) -> Self {
        let (ours, theirs) = values;
        Self {
            what,
            unit,
            ours,
            theirs,
            target,
        }
    }

    fn ratio(&self) -> f64 {
        self.ours / self.theirs
    }

    fn verdict(&self) -> &'static str {
        let met = match self.target {
            Target::RatioMost(most) => self.ratio() <= most,
            Target::RatioLeast(least) => self.ratio() >= least,
            Target::ValueMost(most) => self.ours <= most,
            Target::ValueLeast(least) => self.ours >= least,
            Target::None => return "",
        };
        if met { "met" } else { "missed" }
    }
}

pub fn render(ours: &str, theirs: &str, rows: &[Row]) -> String {
    let width = rows.iter().map(|row| row.what.len()).max().unwrap_or(0);
    let mut table = format!(
        "{:width$}  {:8}  {ours:>12}  {theirs:>12}  {:>6}  {:>14}\n",
        "what", "unit", "ratio", "target"
    );
    for row in rows {
        let target = match row.target {
            Target::RatioMost(most) => format!("ratio <= {most}"),
            Target::RatioLeast(least) => format!("ratio >= {least}"),
            Target::ValueMost(most) => format!("value <= {most}"),
            Target::ValueLeast(least) => format!("value >= {least}"),
            Target::None => String::new(),
        };
        let (ours, theirs, ratio) = (number(row.ours), number(row.theirs), row.ratio());
        let line = format!(
            "{:width$}  {:8}  {ours:>12}  {theirs:>12}  {ratio:>6.2}  {target:>14}  {}",
            row.what,
            row.unit,
            row.verdict()
        );
        writeln!(table, "{}", line.trim_end()).expect("writing to a string does not fail");
    }
    table
}

/// As many decimals as the size deserves.
fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_judged_by_its_target() {
        let row = |target| Row::new("x".to_owned(), "us", (1.5, 3.0), target);
        assert_eq!(row(Target::RatioMost(0.5)).verdict(), "met");
        assert_eq!(row(Target::RatioLeast(0.6)).verdict(), "missed");
        assert_eq!(row(Target::ValueMost(1.0)).verdict(), "missed");
        assert_eq!(row(Target::ValueLeast(1.0)).verdict(), "met");
        let table = render("ochre", "redis-server", &[row(Target::RatioMost(0.5))]);
        assert!(
            table
                .lines()
                .nth(1)
                .is_some_and(|line| line.ends_with("ratio <= 0.5  met"))
        );
    }
}
