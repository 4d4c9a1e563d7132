//! `ferrosort man`: manual pages of the program and of every command, from the same texts as `--help`.

use std::fs;

use clap::CommandFactory;
use clap_mangen::Man;
use ferrosort_core::{Error, Result};
use ferrosort_report::outputs::write_file;

use crate::args::{Cli, ManArgs};

/// Writes the pages.
///
/// # Errors
/// The output is a file; the folder cannot be made, or a page not be written.
pub fn run(args: &ManArgs) -> Result<()> {
    let folder = &args.output;
    if folder.exists() && !folder.is_dir() {
        return Err(Error::input(format!(
            "output {} is a file; name a folder for the pages",
            folder.display()
        )));
    }
    fs::create_dir_all(folder).map_err(|e| Error::io("create", folder, e))?;
    let mut program = Cli::command();
    // Gives the commands their whole names: `ferrosort-sort`.
    program.build();
    let commands = program.get_subcommands().filter(|command| command.get_name() != "help");
    for command in std::iter::once(&program).chain(commands) {
        let man = Man::new(command.clone());
        write_file(&folder.join(man.get_filename()), |mut file| man.render(&mut file))?;
    }
    Ok(())
}
