//! From the results of a sorter to what the page shows of them: choices of spikes, histograms, waveforms.

mod run;
mod trains;

pub use run::{RunViewOptions, run_view};
pub use trains::{correlogram, even_choice, interval_histogram, presence, rate_over_time};
