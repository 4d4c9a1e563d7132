//! Arrays of the page: numbers with a shape, and how closely the page keeps them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// How closely an array is kept in the page. NaN survives in all but [`Kept::I32`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kept {
    /// As computed, 8 bytes each.
    F64,
    /// Seven digits, 4 bytes each.
    F32,
    /// Whole numbers of up to 31 bits, 4 bytes each.
    I32,
    /// One of 65 534 even steps between the least and the largest value, 2 bytes each.
    Levels16,
    /// One of 254 even steps between the least and the largest value, 1 byte each: for pictures.
    Levels8,
}

impl Kept {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 | Self::I32 => 4,
            Self::Levels16 => 2,
            Self::Levels8 => 1,
        }
    }

    /// The largest code of a kind with levels; code 0 stands for NaN, 1 for the least value.
    fn top(self) -> Option<f64> {
        match self {
            Self::Levels16 => Some(65_535.0),
            Self::Levels8 => Some(255.0),
            _ => None,
        }
    }
}

/// Numbers with a shape, the last axis running fastest.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    shape: Vec<usize>,
    values: Vec<f64>,
    kept: Kept,
}

impl Default for Array {
    /// An empty list.
    fn default() -> Self {
        Self::list(Vec::new())
    }
}

impl Array {
    /// Values of this shape. Values that are missing to fill the shape become NaN, extra ones are dropped, so that
    /// an array is always consistent.
    pub fn new(shape: &[usize], mut values: Vec<f64>, kept: Kept) -> Self {
        values.resize(shape.iter().product(), f64::NAN);
        Self {
            shape: shape.to_vec(),
            values,
            kept,
        }
    }

    /// A list kept with seven digits.
    pub fn list(values: Vec<f64>) -> Self {
        Self::new(&[values.len()], values, Kept::F32)
    }

    /// A list kept as computed.
    pub fn exact(values: Vec<f64>) -> Self {
        Self::new(&[values.len()], values, Kept::F64)
    }

    /// A list of whole numbers, such as counts or samples.
    pub fn integers(values: impl IntoIterator<Item = i64>) -> Self {
        let values: Vec<f64> = values.into_iter().map(|v| v as f64).collect();
        Self::new(&[values.len()], values, Kept::I32)
    }

    /// A list kept in 65 534 steps: for the points of scatter plots.
    pub fn points(values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().collect();
        Self::new(&[values.len()], values, Kept::Levels16)
    }

    /// `[rows, columns]` kept with seven digits.
    pub fn matrix(rows: usize, columns: usize, values: Vec<f64>) -> Self {
        Self::new(&[rows, columns], values, Kept::F32)
    }

    /// The same values kept in another way.
    pub fn kept_as(mut self, kept: Kept) -> Self {
        self.kept = kept;
        self
    }

    /// Lengths of the axes.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// All values, the last axis running fastest.
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Number of values.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// True without values.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Value at row `row`, column `column` of a matrix; NaN outside.
    pub fn at(&self, row: usize, column: usize) -> f64 {
        match self.shape[..] {
            [rows, columns] if row < rows && column < columns => self.values[row * columns + column],
            _ => f64::NAN,
        }
    }

    /// Least value and step between two levels.
    fn scale(&self) -> (f64, f64) {
        let Some(top) = self.kept.top() else {
            return (0.0, 1.0);
        };
        let finite = self.values.iter().copied().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)));
        if low > high {
            (0.0, 1.0)
        } else if low == high {
            (low, 1.0)
        } else {
            (low, (high - low) / (top - 1.0))
        }
    }

    /// Little-endian bytes in planes: the lowest bytes of all numbers, then the next. Planes deflate far better.
    fn planes(&self) -> Vec<u8> {
        let width = self.kept.bytes();
        let n = self.values.len();
        let (low, step) = self.scale();
        let mut planes = vec![0; n * width];
        for (i, &value) in self.values.iter().enumerate() {
            let bytes = match self.kept {
                Kept::F64 => value.to_le_bytes(),
                Kept::F32 => u64::from((value as f32).to_bits()).to_le_bytes(),
                Kept::I32 => u64::from(value.round() as i32 as u32).to_le_bytes(),
                Kept::Levels8 | Kept::Levels16 => {
                    let code = if value.is_finite() {
                        ((value - low) / step).round() + 1.0
                    } else {
                        0.0
                    };
                    (code as u64).to_le_bytes()
                }
            };
            for (plane, byte) in bytes[..width].iter().enumerate() {
                planes[plane * n + i] = *byte;
            }
        }
        planes
    }

    fn from_planes(packed: &Packed, planes: &[u8]) -> Self {
        let width = packed.kept.bytes();
        let n = planes.len() / width;
        let values = (0..n).map(|i| {
            let mut bytes = [0; 8];
            for plane in 0..width {
                bytes[plane] = planes[plane * n + i];
            }
            let code = u64::from_le_bytes(bytes);
            match packed.kept {
                Kept::F64 => f64::from_bits(code),
                Kept::F32 => f64::from(f32::from_bits(code as u32)),
                Kept::I32 => f64::from(code as u32 as i32),
                Kept::Levels8 | Kept::Levels16 if code == 0 => f64::NAN,
                Kept::Levels8 | Kept::Levels16 => packed.low + (code - 1) as f64 * packed.step,
            }
        });
        Self::new(&packed.shape, values.collect(), packed.kept)
    }
}

/// An array as JSON: `data` is base64 of the planes.
#[derive(Serialize, Deserialize)]
struct Packed {
    shape: Vec<usize>,
    kept: Kept,
    low: f64,
    step: f64,
    data: String,
}

impl Serialize for Array {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (low, step) = self.scale();
        let packed = Packed {
            shape: self.shape.clone(),
            kept: self.kept,
            low,
            step,
            data: STANDARD.encode(self.planes()),
        };
        packed.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Array {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let packed = Packed::deserialize(deserializer)?;
        let planes = STANDARD.decode(&packed.data).map_err(de::Error::custom)?;
        let n = packed.shape.iter().try_fold(1_usize, |n, &axis| n.checked_mul(axis));
        if n.and_then(|n| n.checked_mul(packed.kept.bytes())) != Some(planes.len()) {
            return Err(de::Error::custom("an array's shape does not fit its data"));
        }
        Ok(Self::from_planes(&packed, &planes))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn round_trip(array: &Array) -> Array {
        serde_json::from_str(&serde_json::to_string(array).unwrap()).unwrap()
    }

    #[test]
    fn whole_numbers_and_floats_come_back_as_they_were() {
        let counts = Array::integers([0, -1, 2_000_000_000]);
        assert_eq!(round_trip(&counts), counts);
        let exact = Array::exact(vec![0.1, -1e300, f64::INFINITY]);
        assert_eq!(round_trip(&exact), exact);
        let short = Array::matrix(2, 2, vec![0.5, 0.25, -3.0, 1e6]);
        assert_eq!(round_trip(&short), short);
    }

    #[test]
    fn levels_hold_the_ends_and_are_off_by_half_a_step_at_most() {
        let values: Vec<f64> = (0..1000).map(|i| (f64::from(i) * 0.37).sin() * 40.0).collect();
        for (kept, levels) in [(Kept::Levels8, 254.0), (Kept::Levels16, 65_534.0)] {
            let array = Array::new(&[1000], values.clone(), kept);
            let (low, step) = array.scale();
            assert!((step - (79.999 / levels)).abs() < 0.01 * step, "{step}");
            for (a, b) in values.iter().zip(round_trip(&array).values()) {
                assert!((a - b).abs() <= step * 0.500_001, "{a} {b} {low} {step}");
            }
        }
    }

    #[test]
    fn missing_values_stay_missing() {
        for kept in [Kept::Levels8, Kept::Levels16, Kept::F32, Kept::F64] {
            let back = round_trip(&Array::new(&[3], vec![1.0, f64::NAN, 2.0], kept));
            assert!(back.values()[1].is_nan() && back.values()[0] == 1.0 && back.values()[2] == 2.0);
        }
        assert_eq!(Array::matrix(2, 2, vec![1.0]).at(0, 0), 1.0);
        assert!(Array::matrix(2, 2, vec![1.0]).at(1, 1).is_nan());
    }

    #[test]
    fn a_shape_that_does_not_fit_is_refused() {
        let text = r#"{"shape":[3],"kept":"levels8","low":0.0,"step":1.0,"data":"AAA="}"#;
        assert!(serde_json::from_str::<Array>(text).is_err());
    }
}
