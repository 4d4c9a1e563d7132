//! The stage: shapes of single-channel spikes, from clips of the whole recording (docs/kilosort2.md 4.1).

use ferrosort_core::{Observer, Result};
use ndarray::{Array2, Axis, concatenate};

use super::learn::Basis;
use crate::ordering::basis::{PROTOTYPE_ROUNDS, basis_sign_sample, prototypes, temporal_basis};
use crate::ordering::draws::draw_prototype_start;
use crate::ordering::order::{check_rows, peak_params};
use crate::ordering::peaks::{clips, isolated_peaks};
use crate::preprocess::{Batches, check_cancelled};
use crate::settings::Settings;

/// No more clips are collected once there are more than this.
const ENOUGH_CLIPS: usize = 100_000;

/// Learns prototypes and the temporal basis from isolated peaks of every `prototype_stride`-th batch, or of all batches when those have
/// none. `None` when the recording has no isolated peak at all.
///
/// # Errors
/// Those of reading, and cancellation.
pub fn learn_shapes(
    batches: &Batches,
    settings: &Settings,
    given_start: Option<&[usize]>,
    observer: &dyn Observer,
) -> Result<Option<Basis>> {
    let stride = batches
        .layout()
        .sampling_stride(settings.parameters.prototype_stride, &settings.compat);
    let mut found = collect_clips(batches, settings, stride, observer)?;
    if found.nrows() == 0 && stride > 1 {
        found = collect_clips(batches, settings, 1, observer)?;
    }
    let sign_sample = basis_sign_sample(settings.parameters.trough(), settings.compat.basis_sign_20);
    let Some(components) = temporal_basis(&found, sign_sample) else {
        return Ok(None);
    };
    let start = match given_start {
        Some(rows) => {
            check_rows(rows, found.nrows(), "prototype starts")?;
            rows.to_vec()
        }
        None => draw_prototype_start(settings.parameters.seed, found.nrows()),
    };
    let shapes = prototypes(&found, &start, PROTOTYPE_ROUNDS, settings.compat.empty_prototype_nan);
    Ok(Some(Basis::new(&shapes, &components)))
}

/// Clips `[clips, samples]` of the isolated peaks of every `stride`-th batch.
fn collect_clips(
    batches: &Batches,
    settings: &Settings,
    stride: usize,
    observer: &dyn Observer,
) -> Result<Array2<f32>> {
    let peaks = peak_params(settings);
    let mut all = vec![Array2::zeros((0, settings.parameters.template_samples))];
    let mut count = 0;
    for k in (0..batches.layout().batches()).step_by(stride.max(1)) {
        check_cancelled(observer)?;
        let x = batches.batch(k)?;
        let found = clips(&x, &isolated_peaks(&x, &peaks), &peaks);
        count += found.nrows();
        all.push(found);
        observer.advanced(1);
        if count > ENOUGH_CLIPS {
            break;
        }
    }
    let views: Vec<_> = all.iter().map(|c| c.view()).collect();
    Ok(concatenate(Axis(0), &views).expect("clips of one length"))
}
