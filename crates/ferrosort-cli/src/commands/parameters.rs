//! `ferrosort parameters`: what can be chosen.

use ferrosort::settings::{Algorithm, reference};

use crate::args::ParametersArgs;
use crate::progress::print;

/// Prints the reference in the wanted form.
pub fn run(args: &ParametersArgs) {
    let algorithm = args.algorithm.map(Algorithm::from);
    if args.toml {
        print(&reference::parameter_file(algorithm.unwrap_or(Algorithm::Kilosort2)));
    } else if args.markdown {
        print(&reference::markdown());
    } else if let Some(algorithm) = algorithm {
        print(&reference::text(algorithm));
    } else {
        let all = [Algorithm::Auto, Algorithm::Kilosort2].map(reference::text);
        print(&all.join("\n"));
    }
}
