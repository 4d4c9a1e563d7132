//! `cluster_*.tsv`: what is known about each cluster.

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{Result, RunUnit};

use crate::results::files;

/// Cells by cluster id, table by table.
#[derive(Debug, Default)]
pub(super) struct Tables {
    labels: BTreeMap<i64, String>,
    contamination_pct: BTreeMap<i64, f64>,
    names: BTreeMap<i64, String>,
}

/// Reads the tables that are there; a curator's verdict wins over the sorter's.
pub(super) fn read(folder: &Path) -> Result<Tables> {
    let mut tables = Tables::default();
    for name in ["cluster_KSLabel.tsv", "cluster_group.tsv", "cluster_groups.csv"] {
        tables.labels.extend(cells(folder, name)?);
    }
    let numbers = cells(folder, "cluster_ContamPct.tsv")?;
    let numbers = numbers
        .into_iter()
        .filter_map(|(id, cell)| Some((id, cell.parse().ok()?)));
    tables.contamination_pct = numbers.collect();
    tables.names = cells(folder, "cluster_si_unit_ids.tsv")?;
    Ok(tables)
}

impl Tables {
    /// Ids in any of the tables.
    pub(super) fn ids(&self) -> impl Iterator<Item = i64> {
        self.labels.keys().chain(self.contamination_pct.keys()).copied()
    }

    /// Units of these ids.
    pub(super) fn units(&self, ids: &[i64]) -> Vec<RunUnit> {
        let unit = |id: &i64| RunUnit {
            id: self.names.get(id).cloned().unwrap_or_else(|| id.to_string()),
            label: self.labels.get(id).cloned(),
            contamination_pct: self.contamination_pct.get(id).copied(),
            ..RunUnit::default()
        };
        ids.iter().map(unit).collect()
    }
}

/// The second column by the first. Empty cells and rows that do not begin with a whole number are left out.
fn cells(folder: &Path, name: &str) -> Result<BTreeMap<i64, String>> {
    let text = files::text(&folder.join(name))?.unwrap_or_default();
    let separator = if text.lines().next().is_some_and(|line| line.contains('\t')) {
        '\t'
    } else {
        ','
    };
    let row = |line: &str| {
        let mut cells = line.split(separator).map(str::trim);
        let id = cells.next()?.parse().ok()?;
        let cell = cells.next()?;
        (!cell.is_empty()).then(|| (id, cell.to_owned()))
    };
    Ok(text.lines().skip(1).filter_map(row).collect())
}
