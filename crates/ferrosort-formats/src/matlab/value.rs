//! What a variable can hold.

use ndarray::{Array2, Array3, ShapeBuilder};

/// An array of numbers, logicals or characters.
#[derive(Debug, Clone, PartialEq)]
pub struct Numbers {
    /// Sizes of the dimensions.
    pub shape: Vec<usize>,
    /// Values in column-major order: the first index runs fastest.
    pub values: Vec<f64>,
    /// True for characters, whose values are code points (of UTF-16 files, code units).
    pub is_text: bool,
}

impl Numbers {
    /// The value if there is exactly one.
    pub fn scalar(&self) -> Option<f64> {
        match self.values.as_slice() {
            &[value] => Some(value),
            _ => None,
        }
    }

    /// The values as a matrix, rows first as MATLAB shows it; `None` with another number of dimensions.
    pub fn into_matrix(self) -> Option<Array2<f64>> {
        let &[rows, columns] = self.shape.as_slice() else {
            return None;
        };
        Array2::from_shape_vec((rows, columns).f(), self.values).ok()
    }

    /// The values as a block of three dimensions; a matrix has a third one of length 1, as MATLAB leaves that out.
    pub fn into_cube(self) -> Option<Array3<f32>> {
        let (a, b, c) = match *self.shape.as_slice() {
            [a, b] => (a, b, 1),
            [a, b, c] => (a, b, c),
            _ => return None,
        };
        let values = self.values.into_iter().map(|v| v as f32).collect();
        Array3::from_shape_vec((a, b, c).f(), values).ok()
    }

    /// The characters, if it is text.
    pub fn text(&self) -> Option<String> {
        let character = |&v: &f64| char::from_u32(v as u32).unwrap_or(char::REPLACEMENT_CHARACTER);
        self.is_text.then(|| self.values.iter().map(character).collect())
    }
}

/// An array of structures that all have the same fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Structs {
    /// Names of the fields in file order.
    pub(super) fields: Vec<String>,
    /// For each structure the value of each field; `None` for what is skipped.
    pub(super) elements: Vec<Vec<Option<Value>>>,
}

impl Structs {
    /// Number of structures.
    pub fn len(&self) -> usize {
        self.elements.len()
    }

    /// True without structures.
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// Names of the fields in file order.
    pub fn fields(&self) -> &[String] {
        &self.fields
    }

    /// A field of one structure; `None` when there is no such field or structure, or when it holds a cell or object.
    pub fn get(&self, element: usize, field: &str) -> Option<&Value> {
        let place = self.fields.iter().position(|f| f == field)?;
        self.elements.get(element)?.get(place)?.as_ref()
    }

    /// The same for a field of numbers.
    pub fn numbers(&self, element: usize, field: &str) -> Option<&Numbers> {
        self.get(element, field)?.as_numbers()
    }
}

/// The value of a variable or of a field.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Numbers, logicals or characters.
    Numbers(Numbers),
    /// A structure or an array of structures.
    Structs(Structs),
}

impl Value {
    /// Numbers, logicals or characters.
    pub fn as_numbers(&self) -> Option<&Numbers> {
        match self {
            Self::Numbers(numbers) => Some(numbers),
            Self::Structs(_) => None,
        }
    }

    /// Structures.
    pub fn as_structs(&self) -> Option<&Structs> {
        match self {
            Self::Structs(structs) => Some(structs),
            Self::Numbers(_) => None,
        }
    }

    pub(super) fn of_numbers(shape: Vec<usize>, values: Vec<f64>) -> Self {
        Self::Numbers(Numbers {
            shape,
            values,
            is_text: false,
        })
    }
}
