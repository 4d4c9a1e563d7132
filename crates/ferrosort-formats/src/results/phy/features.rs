//! `pc_features.npy`: projections of each spike on a few components and channels.

use std::collections::BTreeMap;
use std::path::Path;

use ferrosort_core::{PcFeatures, Result, SortingRun};
use ndarray::{Array2, Array3};

use super::Assignment;
use crate::results::files;

/// Reads the features of all spikes. The channels of a cluster are those of the template that most of its spikes have;
/// features of its other spikes are moved to the slots of the same channels, with 0 on channels that they do not have.
pub(super) fn read(run: &mut SortingRun, folder: &Path, assignment: &Assignment) -> Result<Option<PcFeatures>> {
    if folder.join("pc_feature_spike_ids.npy").is_file() {
        run.warnings
            .push("pc_features.npy has features of some spikes only and was not read".to_owned());
        return Ok(None);
    }
    let Some(ind) = files::matrix(folder, "pc_feature_ind.npy")? else {
        return Ok(None);
    };
    let Some(mut values) = files::cube(folder, "pc_features.npy")? else {
        return Ok(None);
    };
    let (spikes, _, slots) = values.dim();
    files::same_length(
        folder,
        &[
            ("spike_times.npy", Some(run.spikes.len())),
            ("pc_features.npy", Some(spikes)),
        ],
    )?;
    let n_channels = run.probe.as_ref().map_or(f64::MAX, |probe| probe.len() as f64);
    // SpikeInterface fills rows with fewer channels with −1.
    let is_channel = |c: &f64| c.fract() == 0.0 && (-1.0..n_channels).contains(c);
    let fits = ind.ncols() == slots && ind.iter().all(is_channel);
    let template_fits = |template: usize| template < ind.nrows();
    let main = assignment.main_templates();
    let known = assignment
        .templates
        .iter()
        .all(|&template| template_fits(template as usize));
    if !(fits && known && main.iter().flatten().all(|&template| template_fits(template))) {
        run.warnings
            .push("pc_feature_ind.npy does not fit pc_features.npy, so features were not read".to_owned());
        return Ok(None);
    }
    move_to_main_templates(&mut values, &ind, assignment, &main);
    let channels = Array2::from_shape_fn((main.len(), slots), |(unit, slot)| {
        main[unit].map_or(0, |template| ind[(template, slot)].max(0.0) as u32)
    });
    Ok(Some(PcFeatures { values, channels }))
}

/// Puts the features of spikes of other templates into the slots of their unit's main template.
fn move_to_main_templates(
    values: &mut Array3<f32>,
    ind: &Array2<f64>,
    assignment: &Assignment,
    main: &[Option<usize>],
) {
    let (_, components, slots) = values.dim();
    // For each slot of a target, where the same channel is in a template.
    let sources = |(template, target): (usize, usize)| -> Vec<Option<usize>> {
        let source = |channel: f64| (0..slots).find(|&other| channel >= 0.0 && ind[(template, other)] == channel);
        (0..slots).map(|slot| source(ind[(target, slot)])).collect()
    };
    let mut known: BTreeMap<(usize, usize), Vec<Option<usize>>> = BTreeMap::new();
    let mut moved = vec![0.0; slots];
    for (spike, (&template, &unit)) in assignment.templates.iter().zip(&assignment.units).enumerate() {
        let template = template as usize;
        let Some(target) = main[unit as usize].filter(|&main| main != template) else {
            continue;
        };
        let places = known
            .entry((template, target))
            .or_insert_with_key(|&pair| sources(pair));
        for component in 0..components {
            for (value, place) in moved.iter_mut().zip(places.iter()) {
                *value = place.map_or(0.0, |other| values[(spike, component, other)]);
            }
            for (slot, &value) in moved.iter().enumerate() {
                values[(spike, component, slot)] = value;
            }
        }
    }
}
