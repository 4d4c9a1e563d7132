//! Symbols of Python are found when Python loads the library, not when it is linked.

fn main() {
    pyo3_build_config::add_extension_module_link_args();
}
