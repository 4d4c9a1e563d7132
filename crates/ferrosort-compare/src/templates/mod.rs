//! How alike the mean waveforms of units are.

mod similarity;
mod windows;

pub use similarity::{
    ChannelSupport, SimilarityMethod, SimilarityParams, TemplateSimilarity, template_dot_products, template_similarity,
};
