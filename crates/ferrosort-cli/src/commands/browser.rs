//! Opening the report for a person who sits before a display.

use std::path::Path;

use ferrosort_core::Observer;

/// Opens a page in the default browser when there is a display; says so when that fails.
pub fn show(page: &Path, observer: &dyn Observer) {
    if !has_display() {
        return;
    }
    if let Err(e) = open::that_detached(page) {
        observer.note(&format!(
            "no browser could be started ({e}); open {} yourself",
            page.display()
        ));
    }
}

/// Desktop systems always have one; elsewhere the session says.
fn has_display() -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    cfg!(any(target_os = "macos", windows)) || set("DISPLAY") || set("WAYLAND_DISPLAY")
}
