//! `ferrosort`: sort extracellular recordings from the command line.
#![deny(unsafe_code)]

mod allocator;
mod args;
mod commands;
mod interrupt;
mod progress;

use std::process::ExitCode;

use clap::Parser;
use ferrosort_core::Result;

use crate::args::{Cli, Command, Verbosity};
use crate::progress::Progress;

fn main() -> ExitCode {
    allocator::share_one_heap();
    let cli = Cli::parse();
    let verbosity = match &cli.command {
        Command::Sort(args) => args.verbosity,
        Command::Plan(args) => args.verbosity,
        Command::Convert(args) => args.verbosity,
        Command::Compare(args) => args.verbosity,
        Command::Report(args) => args.verbosity,
        Command::Export(args) => args.verbosity,
        Command::Summary(args) => args.verbosity,
        Command::Notebook(args) => args.verbosity,
        Command::Demo(args) => args.verbosity,
        Command::Simulate(args) => args.verbosity,
        Command::Bench(args) => args.verbosity,
        Command::Doctor(_) => Verbosity {
            quiet: true,
            ..Verbosity::default()
        },
        Command::Info(_) | Command::Parameters(_) | Command::Completions(_) | Command::Man(_) => Verbosity::default(),
    };
    let progress = Progress::new(verbosity, interrupt::watch());
    let result = match &cli.command {
        Command::Sort(args) => commands::sort::run(args, &progress),
        Command::Plan(args) => commands::plan::run(args, &progress),
        Command::Convert(args) => commands::convert::run(args, &progress),
        Command::Compare(args) => commands::compare::run(args, &progress),
        Command::Report(args) => commands::report::run(args, &progress),
        Command::Export(args) => commands::export::run(args, &progress),
        Command::Summary(args) => commands::summary::run(args, &progress),
        Command::Notebook(args) => commands::notebook::run(args, &progress),
        Command::Demo(args) => commands::demo::run(args, &progress),
        Command::Simulate(args) => commands::simulate::run(args, &progress),
        Command::Bench(args) => commands::bench::run(args, &progress),
        Command::Doctor(args) => return exit(commands::doctor::run(args, &progress), &progress),
        Command::Info(args) => commands::info::run(args),
        Command::Man(args) => commands::man::run(args),
        Command::Parameters(args) => {
            commands::parameters::run(args);
            Ok(())
        }
        Command::Completions(args) => {
            commands::completions::run(args);
            Ok(())
        }
    };
    exit(result.map(|()| ExitCode::SUCCESS), &progress)
}

/// The exit code of a command; an error is shown.
fn exit(result: Result<ExitCode>, progress: &Progress) -> ExitCode {
    result.unwrap_or_else(|error| {
        progress.failed(&error);
        ExitCode::from(error.exit_code())
    })
}
