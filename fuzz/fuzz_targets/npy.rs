//! NumPy arrays, plain and structured.
#![no_main]

use std::sync::LazyLock;

use ferrosort_formats::npy::{npy_shape, read_npy, read_npy_columns};
use ferrosort_fuzz::Scratch;
use libfuzzer_sys::fuzz_target;

static SCRATCH: LazyLock<Scratch> = LazyLock::new(Scratch::default);

fuzz_target!(|bytes: &[u8]| {
    let scratch = &*SCRATCH;
    let path = scratch.file("a.npy", bytes);
    npy_shape(&path);
    let _ = read_npy_columns(&path);
    let Ok(array) = read_npy(&path) else { return };
    assert_eq!(
        array.len(),
        array.shape.iter().product::<usize>(),
        "as many values as the shape says"
    );
    let _ = array.clone().into_matrix();
    let _ = array.clone().into_cube();
    let _ = array.clone().into_i64();
    array.squeezed().into_texts();
});
