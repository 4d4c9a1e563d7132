//! Which cluster and which template each spike belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use ferrosort_core::{Error, Result};

use super::tables::Tables;
use crate::results::files;

/// Clusters and templates of the spikes, in the order of the files.
#[derive(Debug)]
pub(super) struct Assignment {
    /// Cluster of each spike.
    pub(super) clusters: Vec<i64>,
    /// Template of each spike.
    pub(super) templates: Vec<i64>,
    /// Ids of the units, ascending: all clusters with spikes, in a table, or with a template.
    pub(super) ids: Vec<i64>,
    /// Unit of each spike: place in `ids`.
    pub(super) units: Vec<u32>,
    /// For each unit its templates with their numbers of spikes, by template. A unit without spikes has its own.
    pub(super) mixture: Vec<Vec<(usize, f64)>>,
}

impl Assignment {
    /// Reads `spike_clusters.npy` and `spike_templates.npy`, at least one of which must be there. `rows` is the number
    /// of templates in `templates.npy`, if it is there.
    pub(super) fn read(folder: &Path, rows: Option<usize>, tables: &Tables) -> Result<Self> {
        let templates = files::integers(folder, "spike_templates.npy")?;
        let clusters = match files::integers(folder, "spike_clusters.npy")? {
            Some(clusters) => clusters,
            None => templates.clone().ok_or_else(|| {
                Error::input(format!(
                    "{} has neither spike_clusters.npy nor spike_templates.npy, so its spikes belong to no units",
                    folder.display()
                ))
            })?,
        };
        let templates = templates.unwrap_or_else(|| clusters.clone());
        let names = [
            ("spike_clusters.npy", Some(clusters.len())),
            ("spike_templates.npy", Some(templates.len())),
        ];
        files::same_length(folder, &names)?;
        if clusters.iter().any(|&id| !(0..=i64::from(i32::MAX)).contains(&id)) {
            return Err(files::not(folder, "spike_clusters.npy", "clusters counted from 0"));
        }
        if let Some(rows) = rows
            && let Some(id) = templates.iter().find(|&&id| !(0..rows as i64).contains(&id))
        {
            return Err(Error::input(format!(
                "{}: spike_templates.npy names the template {id} but templates.npy has {rows}; the folder is damaged or \
                 mixes two sortings",
                folder.display()
            )));
        }
        let rows = rows.unwrap_or(0);
        let ids: BTreeSet<i64> = clusters
            .iter()
            .copied()
            .chain(tables.ids())
            .chain(0..rows as i64)
            .collect();
        let ids: Vec<i64> = ids.into_iter().collect();
        let unit = |id: &i64| ids.binary_search(id).unwrap_or_default() as u32;
        let units: Vec<u32> = clusters.iter().map(unit).collect();
        let mixture = mixture(&units, &templates, &ids, rows);
        Ok(Self {
            clusters,
            templates,
            ids,
            units,
            mixture,
        })
    }

    /// The template with most spikes of each unit, the lowest on ties.
    pub(super) fn main_templates(&self) -> Vec<Option<usize>> {
        let main = |parts: &Vec<(usize, f64)>| {
            let most = parts.iter().map(|&(_, weight)| weight).fold(0.0, f64::max);
            parts
                .iter()
                .find(|&&(_, weight)| weight == most)
                .map(|&(template, _)| template)
        };
        self.mixture.iter().map(main).collect()
    }
}

fn mixture(units: &[u32], templates: &[i64], ids: &[i64], rows: usize) -> Vec<Vec<(usize, f64)>> {
    let mut counts: BTreeMap<(u32, i64), usize> = BTreeMap::new();
    for pair in units.iter().copied().zip(templates.iter().copied()) {
        *counts.entry(pair).or_default() += 1;
    }
    let mut mixture = vec![Vec::new(); ids.len()];
    for ((unit, template), count) in counts {
        mixture[unit as usize].push((template as usize, count as f64));
    }
    for (parts, &id) in mixture.iter_mut().zip(ids) {
        if parts.is_empty() && (0..rows as i64).contains(&id) {
            parts.push((id as usize, 1.0));
        }
    }
    mixture
}
