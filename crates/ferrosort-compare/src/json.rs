//! How results look in JSON: matrices as lists of rows, "no unit" as -1. Numbers that are not finite become `null`.

use ndarray::Array2;
use serde::ser::{Serialize, SerializeSeq, Serializer};

/// A matrix as a list of its rows.
pub(crate) fn rows<T: Serialize, S: Serializer>(matrix: &Array2<T>, serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(matrix.nrows()))?;
    for row in matrix.rows() {
        list.serialize_element(&row.iter().collect::<Vec<_>>())?;
    }
    list.end()
}

/// A place in a list of units, or -1.
#[allow(clippy::ref_option)] // serde calls it with a reference to the field.
pub(crate) fn place<S: Serializer>(place: &Option<usize>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_i64(as_number(*place))
}

/// Places in a list of units, or -1.
pub(crate) fn places<S: Serializer>(places: &[Option<usize>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(places.iter().map(|&place| as_number(place)))
}

fn as_number(place: Option<usize>) -> i64 {
    place.map_or(-1, |place| place as i64)
}
