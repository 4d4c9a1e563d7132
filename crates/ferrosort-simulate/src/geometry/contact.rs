//! One contact and its surface.

/// The surface of a contact, in the plane of the probe.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContactShape {
    /// Sides along x and y.
    Rectangle {
        /// Along x, µm.
        width_um: f64,
        /// Along y, µm.
        height_um: f64,
    },
    /// A disc.
    Disc {
        /// µm.
        radius_um: f64,
    },
}

impl ContactShape {
    /// A square with this side, µm.
    pub const fn square(side_um: f64) -> Self {
        Self::Rectangle {
            width_um: side_um,
            height_um: side_um,
        }
    }

    /// Nine points that stand for the surface, relative to its centre, µm: offsets of -w/3, 0 and w/3 along x and
    /// along y, where w is the side or the diameter. The metal of a contact is at one potential, the mean of the
    /// field over its surface.
    pub fn points_um(self) -> [[f64; 2]; 9] {
        let (width, height) = match self {
            Self::Rectangle { width_um, height_um } => (width_um, height_um),
            Self::Disc { radius_um } => (2.0 * radius_um, 2.0 * radius_um),
        };
        let offset = |i: usize, size: f64| (i as f64 - 1.0) * size / 3.0;
        std::array::from_fn(|i| [offset(i % 3, width), offset(i / 3, height)])
    }

    /// All sizes are positive numbers.
    pub(super) fn is_valid(self) -> bool {
        let good = |size: f64| size.is_finite() && size > 0.0;
        match self {
            Self::Rectangle { width_um, height_um } => good(width_um) && good(height_um),
            Self::Disc { radius_um } => good(radius_um),
        }
    }
}

/// One contact of a simulated probe.
#[derive(Debug, Clone, PartialEq)]
pub struct SimContact {
    /// 0-based column of the recording.
    pub channel: usize,
    /// Across the shank, µm.
    pub x_um: f64,
    /// Along the shank, from the tip to the base, µm.
    pub y_um: f64,
    /// Its surface.
    pub shape: ContactShape,
    /// 0-based number of its shank or group.
    pub shank: i64,
    /// False for references and dead channels: their column is zero, and a sorting does not see them.
    pub connected: bool,
}
