//! A benchmark as a table: aligned for terminals, and in Markdown.

use super::score::{SNR_RANGES, mean};
use super::{Bench, Row};

/// Stands where there is no number.
const NOTHING: &str = "-";
const MIB: f64 = 1024.0 * 1024.0;

/// Cells of equal numbers of columns; the first two columns are names, the others numbers.
struct Table {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// The main table below its header.
pub fn text(bench: &Bench) -> String {
    let remarks = paragraph(remarks(bench));
    format!("{}\n\n{}\n{remarks}", bench.header.line(), main_table(bench).text())
}

/// The same in Markdown, and the time of each stage.
pub fn markdown(bench: &Bench) -> String {
    let items = remarks(bench).into_iter().map(|remark| format!("- {remark}"));
    let stages = stage_table(bench).map_or_else(String::new, |stages| {
        format!("## Seconds per recorded second by stage\n\n{}", stages.markdown())
    });
    format!(
        "# ferrosort bench\n\n{}\n\n{}\n{}{stages}",
        bench.header.line(),
        main_table(bench).markdown(),
        paragraph(items.collect())
    )
}

/// Lines with an empty one below, nothing for none.
fn paragraph(lines: Vec<String>) -> String {
    if lines.is_empty() {
        String::new()
    } else {
        lines.join("\n") + "\n\n"
    }
}

fn main_table(bench: &Bench) -> Table {
    let mut header: Vec<String> = [
        "recording",
        "algorithm",
        "accuracy",
        ">=0.8",
        "claimed",
        "false pos.",
        "redundant",
        "merged",
    ]
    .map(String::from)
    .to_vec();
    header.extend(SNR_RANGES.iter().map(|&[from, below]| {
        if below.is_finite() {
            format!("SNR {from}-{below}")
        } else {
            format!("SNR >={from}")
        }
    }));
    header.extend(["wall s", "s per s", "CPU s", "peak MiB", "device"].map(String::from));
    let mut rows: Vec<Vec<String>> = bench.rows.iter().map(cells).collect();
    rows.extend(means(bench));
    Table { header, rows }
}

/// Another program's result could have the name of one of our algorithms.
fn sorter(row: &Row) -> String {
    if row.other {
        format!("vs {}", row.algorithm)
    } else {
        row.algorithm.clone()
    }
}

fn number(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| NOTHING.to_string(), |value| format!("{value:.digits$}"))
}

fn cells(row: &Row) -> Vec<String> {
    let mut cells = vec![row.recording.clone(), sorter(row)];
    match &row.score {
        None => {
            cells.push("failed".to_string());
            cells.resize(8 + SNR_RANGES.len(), NOTHING.to_string());
        }
        Some(score) => {
            cells.extend([
                number(score.mean_accuracy, 3),
                format!("{}/{}", score.n_well_detected, score.n_units),
                score.n_claimed.to_string(),
                score.n_false_positive.to_string(),
                score.n_redundant.to_string(),
                score.n_overmerged.to_string(),
            ]);
            let bins = score.by_snr.iter().map(|bin| (bin.mean_accuracy, bin.n_units));
            cells.extend(bins.map(with_units));
        }
    }
    let cost = &row.cost;
    cells.extend([
        number(cost.wall_s, 1),
        number(cost.wall_s.map(|wall| wall / row.recorded_s), 3),
        number(cost.cpu_s, 1),
        number(cost.peak_bytes.map(|bytes| bytes as f64 / MIB), 0),
        cost.device.clone().unwrap_or_else(|| NOTHING.to_string()),
    ]);
    cells
}

/// A mean with the number of units behind it.
fn with_units((mean, n): (Option<f64>, usize)) -> String {
    mean.map_or_else(|| NOTHING.to_string(), |mean| format!("{mean:.2} ({n})"))
}

/// A row for each sorter over its recordings, when there are several.
fn means(bench: &Bench) -> Vec<Vec<String>> {
    let mut sorters: Vec<String> = Vec::new();
    for name in bench.rows.iter().map(sorter) {
        if !sorters.contains(&name) {
            sorters.push(name);
        }
    }
    let of = |name: &String| -> Vec<&Row> {
        let scored = bench.rows.iter().filter(|row| row.score.is_some());
        scored.filter(|row| sorter(row) == *name).collect()
    };
    let several = sorters.iter().map(|name| (name, of(name)));
    several
        .filter(|(_, rows)| rows.len() > 1)
        .map(|(name, rows)| together(name, &rows))
        .collect()
}

/// Means of accuracies (over recordings; by signal-to-noise ratio over units), sums of counts and times, the largest memory.
fn together(sorter: &str, rows: &[&Row]) -> Vec<String> {
    let scores = || rows.iter().filter_map(|row| row.score.as_ref());
    let sum = |value: fn(&super::Score) -> usize| scores().map(value).sum::<usize>();
    let all = |value: fn(&Row) -> Option<f64>| -> Option<f64> { rows.iter().map(|row| value(row)).sum() };
    let mut cells = vec![
        format!("all {}", rows.len()),
        sorter.to_string(),
        number(mean(scores().filter_map(|score| score.mean_accuracy)), 3),
        format!("{}/{}", sum(|score| score.n_well_detected), sum(|score| score.n_units)),
        sum(|score| score.n_claimed).to_string(),
        sum(|score| score.n_false_positive).to_string(),
        sum(|score| score.n_redundant).to_string(),
        sum(|score| score.n_overmerged).to_string(),
    ];
    for bin in 0..SNR_RANGES.len() {
        let bins = || scores().filter_map(move |score| score.by_snr.get(bin));
        let n: usize = bins().map(|bin| bin.n_units).sum();
        let total: f64 = bins()
            .filter_map(|bin| Some(bin.mean_accuracy? * bin.n_units as f64))
            .sum();
        cells.push(with_units(((n > 0).then(|| total / n as f64), n)));
    }
    let wall = all(|row| row.cost.wall_s);
    let recorded: f64 = rows.iter().map(|row| row.recorded_s).sum();
    let peak = rows.iter().filter_map(|row| row.cost.peak_bytes).max();
    cells.extend([
        number(wall, 1),
        number(wall.map(|wall| wall / recorded), 3),
        number(all(|row| row.cost.cpu_s), 1),
        number(peak.map(|bytes| bytes as f64 / MIB), 0),
        NOTHING.to_string(),
    ]);
    cells
}

/// Failures and notes, one sentence each.
fn remarks(bench: &Bench) -> Vec<String> {
    let of = |row: &Row| -> Vec<String> {
        let failure = row.failure.iter().map(|reason| format!("failed: {reason}"));
        let all = failure.chain(row.notes.iter().cloned());
        all.map(|what| format!("{}, {}: {what}", row.recording, sorter(row)))
            .collect()
    };
    bench.rows.iter().flat_map(of).collect()
}

fn stage_table(bench: &Bench) -> Option<Table> {
    let timed = || bench.rows.iter().filter(|row| !row.stages.is_empty());
    let mut names: Vec<&str> = Vec::new();
    for stage in timed().flat_map(|row| &row.stages) {
        if !names.contains(&stage.name.as_str()) {
            names.push(&stage.name);
        }
    }
    let time = |row: &Row, name: &str| {
        let seconds = row.stages.iter().filter(|stage| stage.name == name);
        let seconds: Vec<f64> = seconds.map(|stage| stage.seconds_per_recorded_s).collect();
        number((!seconds.is_empty()).then(|| seconds.iter().sum()), 4)
    };
    let header = ["recording", "algorithm"].into_iter().chain(names.iter().copied());
    let rows = timed().map(|row| {
        let start = [row.recording.clone(), sorter(row)];
        start
            .into_iter()
            .chain(names.iter().map(|name| time(row, name)))
            .collect()
    });
    (!names.is_empty()).then(|| Table {
        header: header.map(String::from).collect(),
        rows: rows.collect(),
    })
}

impl Table {
    fn text(&self) -> String {
        let all = || std::iter::once(&self.header).chain(&self.rows);
        let width = |column: usize| all().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..self.header.len()).map(width).collect();
        let line = |row: &Vec<String>| -> String {
            let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
                if column < 2 {
                    format!("{cell:<width$}")
                } else {
                    format!("{cell:>width$}")
                }
            });
            cells.collect::<Vec<_>>().join("  ").trim_end().to_string() + "\n"
        };
        all().map(line).collect()
    }

    fn markdown(&self) -> String {
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = row.iter().map(|cell| cell.replace('|', "\\|")).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let sides = (0..self.header.len()).map(|column| if column < 2 { "---" } else { "---:" });
        let rule = format!("| {} |\n", sides.collect::<Vec<_>>().join(" | "));
        line(&self.header) + &rule + &self.rows.iter().map(line).collect::<String>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_bars_are_escaped() {
        let table = Table {
            header: ["recording", "algorithm", "n"].map(String::from).to_vec(),
            rows: vec![["a|b", "x", "12"].map(String::from).to_vec()],
        };
        assert_eq!(table.text(), "recording  algorithm   n\na|b        x          12\n");
        assert_eq!(
            table.markdown(),
            "| recording | algorithm | n |\n| --- | --- | ---: |\n| a\\|b | x | 12 |\n"
        );
    }
}
