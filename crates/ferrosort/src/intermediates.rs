//! The arrays by which runs of Kilosort2, of its port and of this program are compared (docs/output.md).

use ndarray::{Array1, Array2, Array3, ArrayD};

use crate::curation::curate::Curated;
use crate::matching::extract::Extracted;
use crate::ordering::order::BatchOrder;
use crate::pipeline::Intermediate;
use crate::preprocess::Batches;
use crate::templates::Templates;
use crate::templates::learn::{Basis, Learned};

/// Name, meaning and values of one array.
pub type Named = (&'static str, &'static str, Intermediate);

fn f64s<D: ndarray::Dimension>(a: ndarray::Array<f64, D>) -> Intermediate {
    Intermediate::F64(standard(a))
}

fn i64s(values: impl IntoIterator<Item = i64>) -> Intermediate {
    Intermediate::I64(Array1::from_iter(values).into_dyn())
}

fn standard<T: Clone, D: ndarray::Dimension>(a: ndarray::Array<T, D>) -> ArrayD<T> {
    a.as_standard_layout().into_owned().into_dyn()
}

/// Arrays that exist before any template.
pub fn before_learning(batches: &Batches, order: &BatchOrder) -> Vec<Named> {
    let places = &order.order;
    let sorted = Array2::from_shape_fn(order.dissimilarity.dim(), |(a, b)| {
        order.dissimilarity[[places[a], places[b]]]
    });
    vec![
        (
            "channels",
            "[channels]: file column of each sorted channel, 0-based",
            i64s(batches.columns().iter().map(|&c| c as i64)),
        ),
        (
            "Wrot",
            "[channels in, channels out]: whitening, includes the scale of the 16-bit data",
            f64s(batches.matrix().clone()),
        ),
        (
            "ccb",
            "[batches, batches]: standardised symmetric dissimilarity",
            f64s(order.dissimilarity.clone()),
        ),
        ("ccbsort", "[places, places]: the same in sorted order", f64s(sorted)),
        (
            "iorig",
            "[places]: batch at each place of the sorted order",
            i64s(places.iter().map(|&b| b as i64)),
        ),
    ]
}

/// All arrays of a complete run.
pub fn all(batches: &Batches, order: &BatchOrder, basis: &Basis, learned: &Learned, curated: &Curated) -> Vec<Named> {
    let mut arrays = before_learning(batches, order);
    arrays.push((
        "wPCA",
        "[samples, 3]: temporal basis",
        f64s(basis.components.t().mapv(f64::from)),
    ));
    arrays.push((
        "wTEMP",
        "[samples, 6]: single-channel prototypes",
        f64s(basis.prototypes.t().mapv(f64::from)),
    ));
    push_templates(&mut arrays, ["W", "U", "mu"], &learned.templates);
    arrays.push((
        "simScore",
        "[templates, templates]: largest correlation over lags",
        f64s(learned.similarity.clone()),
    ));
    arrays.push((
        "iNeigh",
        "[slots, templates]: templates most similar to each",
        indices(&learned.similar),
    ));
    arrays.push((
        "nsp",
        "[templates]: spikes per batch at the end of learning",
        f64s(Array1::from(learned.rates.clone())),
    ));
    arrays.push((
        "muA",
        "[batches, templates]: amplitude in each batch, sd",
        Intermediate::F32(curated.spikes.mu_by_batch.clone().into_dyn()),
    ));

    let spikes = &curated.spikes;
    let keep = |_: usize| true;
    arrays.push((
        "st3",
        "[spikes, 5]: sample from the start of the time range, template, amplitude, score, place in the sorted order",
        table(spikes, &spikes.labels, keep),
    ));
    arrays.push(("st3_m", "the same after merging", table(spikes, &curated.merged, keep)));
    for ((name, meaning), labels) in [
        ("st3_s1", "after the first split pass"),
        ("st3_s0", "after the second split pass"),
    ]
    .into_iter()
    .zip(&curated.split)
    {
        arrays.push((name, meaning, table(spikes, labels, keep)));
    }
    arrays.push((
        "st3_c",
        "after the cutoff: spikes of the result in extraction order",
        table(spikes, &curated.units.labels, |i| curated.cutoffs.keep[i]),
    ));
    push_templates(&mut arrays, ["W_s", "U_s", "mu_s"], &curated.units.templates);
    arrays.push((
        "simScore_s",
        "[units, units]: similarity after the splits; 1 between parts of one unit",
        f64s(curated.units.similarity.clone()),
    ));
    arrays.push((
        "iNeigh_s",
        "[slots, units]: units behind the template features",
        indices(&curated.units.similar),
    ));
    arrays.push((
        "iNeighPC",
        "[slots, units]: channels behind the PC features",
        indices(&curated.units.feature_channels),
    ));
    let units = &curated.cutoffs.units;
    arrays.push((
        "Ths",
        "[units]: score above which spikes are kept, sd",
        f64s(units.iter().map(|u| u.threshold).collect::<Array1<_>>()),
    ));
    arrays.push((
        "est_contam_rate",
        "[units]: contamination, fraction",
        f64s(units.iter().map(|u| u.contamination).collect::<Array1<_>>()),
    ));
    arrays.push((
        "good",
        "[units]: 1 for a well isolated unit",
        i64s(units.iter().map(|u| i64::from(u.good))),
    ));
    arrays
}

/// The originals' axes: `W` [samples, templates, 3], `U` [channels, templates, 3], `mu` [templates].
fn push_templates(arrays: &mut Vec<Named>, names: [&'static str; 3], templates: &Templates) {
    let moved = |a: &Array3<f64>| a.clone().permuted_axes([2, 0, 1]);
    arrays.push((
        names[0],
        "[samples, templates, 3]: temporal components",
        f64s(moved(&templates.w)),
    ));
    arrays.push((
        names[1],
        "[channels, templates, 3]: spatial components",
        f64s(moved(&templates.u)),
    ));
    arrays.push((
        names[2],
        "[templates]: amplitude, sd",
        f64s(Array1::from(templates.mu.clone())),
    ));
}

fn indices(lists: &Array2<u32>) -> Intermediate {
    Intermediate::I64(standard(lists.t().mapv(i64::from)))
}

fn table(spikes: &Extracted, labels: &[u32], keep: impl Fn(usize) -> bool) -> Intermediate {
    let rows: Vec<usize> = (0..spikes.len()).filter(|&i| keep(i)).collect();
    f64s(Array2::from_shape_fn((rows.len(), 5), |(r, column)| {
        let i = rows[r];
        match column {
            0 => spikes.times[i] as f64,
            1 => f64::from(labels[i]),
            2 => f64::from(spikes.amplitudes[i]),
            3 => f64::from(spikes.scores[i]),
            _ => f64::from(spikes.positions[i]),
        }
    }))
}
