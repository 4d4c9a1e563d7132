//! Templates: what a unit's spike looks like, in whitened space.

use ndarray::{Array3, Axis};
use serde::{Deserialize, Serialize};

pub mod align;
pub mod decompose;
pub mod learn;
pub mod residual;
pub mod shapes;
pub mod similarity;
pub mod triage;

/// Low-rank templates: `T_n[sample, channel] = sum_q W[n, q, sample] U[n, q, channel]`, of norm about 1, scaled by `mu[n]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Templates {
    /// Temporal components, `[templates, rank, samples]`.
    pub w: Array3<f64>,
    /// Spatial components, `[templates, rank, channels]`; zero outside the template's neighbourhood.
    pub u: Array3<f64>,
    /// Amplitude of each template, sd of whitened noise.
    pub mu: Vec<f64>,
}

impl Templates {
    /// Number of templates.
    pub fn len(&self) -> usize {
        self.mu.len()
    }

    /// The templates at these indices, in this order.
    pub fn select(&self, indices: &[usize]) -> Self {
        Self {
            w: self.w.select(Axis(0), indices),
            u: self.u.select(Axis(0), indices),
            mu: indices.iter().map(|&n| self.mu[n]).collect(),
        }
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.mu.is_empty()
    }
}
