//! `ferrosort completions`: a script that completes the command line in a shell.

use clap::CommandFactory;

use crate::args::{Cli, CompletionsArgs};
use crate::progress::print;

/// Prints the script.
pub fn run(args: &CompletionsArgs) {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "ferrosort", &mut script);
    print(&String::from_utf8_lossy(&script));
}
