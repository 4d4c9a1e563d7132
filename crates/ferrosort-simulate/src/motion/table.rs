//! Displacements from a CSV file.

use std::path::Path;

use ferrosort_core::{Error, Result};
use ferrosort_formats::read_regular_text;

use super::knots::Knots;

/// Reads `time_s,depth_um,displacement_um` rows with one header line. Every time must have the same depths.
///
/// # Errors
/// An unreadable file, a line that is not three numbers, or times with different depths.
pub(super) fn read(path: &Path) -> Result<Knots> {
    let text = read_regular_text(path, "table of displacements")?;
    let mut rows: Vec<[f64; 3]> = Vec::new();
    for (number, line) in text.lines().enumerate().skip(1).filter(|(_, l)| !l.trim().is_empty()) {
        let values: Vec<f64> = line.split(',').filter_map(|v| v.trim().parse().ok()).collect();
        match values.as_slice() {
            &[t, y, d] if t.is_finite() && y.is_finite() && d.is_finite() => rows.push([t, y, d]),
            _ => {
                return Err(Error::input(format!(
                    "{}, line {}: '{line}' is not time_s,depth_um,displacement_um",
                    path.display(),
                    number + 1
                )));
            }
        }
    }
    rows.sort_by(|a, b| a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1])));
    let distinct = |column: usize| {
        let mut values: Vec<f64> = rows.iter().map(|r| r[column]).collect();
        values.sort_by(f64::total_cmp);
        values.dedup();
        values
    };
    let (times_s, depths_um) = (distinct(0), distinct(1));
    let n = depths_um.len();
    let complete = rows.len() == times_s.len() * n && rows.iter().enumerate().all(|(i, r)| r[1] == depths_um[i % n]);
    if rows.is_empty() || !complete {
        return Err(Error::input(format!(
            "{} does not have one displacement for every time at every depth ({} rows, {} times, {n} depths)",
            path.display(),
            rows.len(),
            times_s.len()
        )));
    }
    Ok(Knots {
        times_s,
        depths_um,
        values_um: rows.iter().map(|r| r[2]).collect(),
        held: false,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn rows_in_any_order_become_a_table_and_gaps_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("motion.csv");
        std::fs::write(&path, "t,y,d\n1,0,4\n0,0,0\n0,100,2\n1,100,8\n").unwrap();
        let k = read(&path).unwrap();
        assert!((k.at(50.0, 0.5) - 3.5).abs() < 1e-12);
        std::fs::write(&path, "t,y,d\n1,0,4\n0,0,0\n0,100,2\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("every time"));
        std::fs::write(&path, "t,y,d\n1,zero,4\n").unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("line 2"));
    }
}
