//! Writes a simulated recording: `simulate OUTPUT_FOLDER [PARAMS.json]`; the parameters default to
//! `SimulationParams::default()`.

use std::path::Path;

use ferrosort_core::{Error, Result, Silent};
use ferrosort_simulate::{SimulationParams, simulate};

fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let Some(folder) = args.next() else {
        return Err(Error::input(
            "no output folder given; usage: simulate OUTPUT_FOLDER [PARAMS.json]",
        ));
    };
    let params = match args.next() {
        None => SimulationParams::default(),
        Some(path) => {
            let text = std::fs::read(&path).map_err(|e| Error::io("read", &path, e))?;
            serde_json::from_slice(&text)
                .map_err(|e| Error::input(format!("{path} is not a parameter file: {e}; see SimulationParams")))?
        }
    };
    simulate(&params)?.write(Path::new(&folder), &Silent)
}
