//! `ferrosort parameters`: what can be chosen.

use ferrosort::settings::reference;

use crate::args::ParametersArgs;
use crate::progress::print;

/// Prints the reference in the wanted form.
pub fn run(args: &ParametersArgs) {
    let algorithm = args.algorithm.into();
    if args.toml {
        print(&reference::parameter_file(algorithm));
    } else if args.markdown {
        print(&reference::markdown());
    } else {
        print(&reference::text(algorithm));
    }
}
