//! Matching pursuit: which template fired when, with overlaps explained (docs/kilosort2.md 4.5).

use ferrosort_kernels::{RANK, TemplateFilter};
use serde::{Deserialize, Serialize};

use crate::neighbours::Neighbours;
use crate::templates::Templates;
use crate::templates::similarity::Overlaps;

pub mod accumulate;
mod correlations;
pub mod extract;
pub mod pursuit;

/// Templates as pursuit uses them: f32 filters on their neighbourhoods.
#[derive(Debug, Clone)]
pub struct TemplateSet {
    filters: Vec<TemplateFilter>,
    mu: Vec<f32>,
    overlaps: Overlaps,
}

impl TemplateSet {
    /// Prepares templates whose main channels are these.
    pub fn new(templates: &Templates, main_channels: &[usize], near: &Neighbours) -> Self {
        let filters = main_channels
            .iter()
            .enumerate()
            .map(|(n, &main)| TemplateFilter {
                channels: near.of(main).to_vec(),
                spatial: near
                    .of(main)
                    .iter()
                    .map(|&c| std::array::from_fn(|q| templates.u[[n, q, c as usize]] as f32))
                    .collect(),
                temporal: std::array::from_fn(|q| {
                    (0..templates.w.dim().2)
                        .map(|t| templates.w[[n, q, t]] as f32)
                        .collect()
                }),
            })
            .collect();
        Self {
            filters,
            mu: templates.mu.iter().map(|&m| m as f32).collect(),
            overlaps: Overlaps::new(main_channels, near),
        }
    }

    /// Number of templates.
    pub fn len(&self) -> usize {
        self.filters.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.filters.is_empty()
    }

    /// Value of template `n` on its channel slot at sample `i`, norm about 1.
    fn value(&self, n: usize, slot: usize, i: usize) -> f32 {
        let f = &self.filters[n];
        (0..RANK).map(|q| f.temporal[q][i] * f.spatial[slot][q]).sum()
    }

    /// Waveform of template `n` on one of its channel slots, added `factor` times to `out`.
    fn add_waveform(&self, n: usize, slot: usize, factor: f32, out: &mut [f32]) {
        for (i, v) in out.iter_mut().enumerate() {
            *v += factor * self.value(n, slot, i);
        }
    }
}

/// One detected spike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spike {
    /// First sample of the template's window, in the batch.
    pub start: u32,
    /// Template.
    pub template: u32,
    /// Projection on the unit-norm template, sd.
    pub amplitude: f32,
    /// Square root of the score, sd.
    pub score: f32,
    /// Round of the pursuit in which it was found.
    pub round: u8,
}
