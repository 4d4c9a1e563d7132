//! What the probe decides: neighbourhoods and the places where spikes are looked for, in µm (docs/algorithm.md 1).

use ferrosort_core::Probe;

/// Channels that describe a spike: at most this many, within this distance of its channel, µm.
pub(super) const WIDE: (usize, f64) = (24, 120.0);
/// Channels that decide whether a spike is there.
pub(super) const NARROW: (usize, f64) = (10, 60.0);
/// Contacts further apart than this have no place between them, µm.
const BETWEEN_UM: f64 = 45.0;
/// Places closer to each other than this are one, µm.
const SAME_PLACE_UM: f64 = 14.0;
/// With this many channels or fewer on a shank, all are neighbours.
const FEW: usize = 8;

/// A place where spikes are looked for.
#[derive(Debug, Clone)]
pub struct Site {
    /// Position, µm.
    pub position_um: [f64; 2],
    /// Nearest contact.
    pub home: usize,
}

/// Neighbourhoods of a probe. Nothing crosses a shank.
#[derive(Debug, Clone)]
pub struct Geometry {
    /// Position of each channel, µm.
    pub positions_um: Vec<[f64; 2]>,
    /// Shank of each channel.
    pub shank: Vec<i64>,
    /// For each channel, the channels that describe a spike on it, nearest first.
    pub wide: Vec<Vec<usize>>,
    /// For each channel, the channels that decide about a spike on it, nearest first.
    pub narrow: Vec<Vec<usize>>,
    /// Places where spikes are looked for.
    pub sites: Vec<Site>,
}

impl Geometry {
    /// Derives the neighbourhoods of a probe.
    pub fn new(probe: &Probe) -> Self {
        let positions_um = probe.positions_um();
        let shank: Vec<i64> = probe.contacts.iter().map(|c| c.shank).collect();
        let lists = |(most, radius): (usize, f64)| -> Vec<Vec<usize>> {
            (0..positions_um.len())
                .map(|c| {
                    let on_shank = shank.iter().filter(|&&s| s == shank[c]).count();
                    let mut all: Vec<(f64, usize)> = (0..positions_um.len())
                        .filter(|&o| shank[o] == shank[c])
                        .map(|o| (distance(positions_um[c], positions_um[o]), o))
                        .filter(|&(d, _)| d <= radius || on_shank <= FEW)
                        .collect();
                    // A channel comes first in its own list even where contacts share a position.
                    all.sort_by(|a, b| {
                        a.0.total_cmp(&b.0)
                            .then((a.1 != c).cmp(&(b.1 != c)))
                            .then(a.1.cmp(&b.1))
                    });
                    all.into_iter().take(most).map(|(_, o)| o).collect()
                })
                .collect()
        };
        let (wide, narrow) = (lists(WIDE), lists(NARROW));
        let sites = sites(&positions_um, &narrow);
        Self {
            positions_um,
            shank,
            wide,
            narrow,
            sites,
        }
    }

    /// The shanks, in order.
    pub fn shanks(&self) -> Vec<i64> {
        let mut shanks = self.shank.clone();
        shanks.sort_unstable();
        shanks.dedup();
        shanks
    }

    /// What the probe decided, for people.
    pub fn summary(&self) -> String {
        let largest = |lists: &[Vec<usize>]| lists.iter().map(Vec::len).max().unwrap_or(0);
        let shanks = self.shanks().len();
        format!(
            "{} channels on {shanks} shank{}: a spike is described on up to {} channels within {:.0} µm, looked for on up to {} within \
             {:.0} µm, at {} places; nothing crosses a shank",
            self.shank.len(),
            if shanks == 1 { "" } else { "s" },
            largest(&self.wide),
            WIDE.1,
            largest(&self.narrow),
            NARROW.1,
            self.sites.len()
        )
    }

    /// Nearest channel of a shank to a position, the lowest of equals.
    pub fn nearest(&self, position_um: [f64; 2], shank: i64) -> usize {
        let mut best = (f64::INFINITY, 0);
        for (c, &p) in self.positions_um.iter().enumerate() {
            let d = distance(p, position_um);
            if self.shank[c] == shank && d < best.0 {
                best = (d, c);
            }
        }
        best.1
    }

    /// Range of depths of the contacts of a shank, µm.
    pub fn depth_range_um(&self, shank: i64) -> [f64; 2] {
        let on = (0..self.shank.len()).filter(|&c| self.shank[c] == shank);
        on.fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], c| {
            let y = self.positions_um[c][1];
            [low.min(y), high.max(y)]
        })
    }
}

/// Euclidean distance, µm.
pub fn distance(a: [f64; 2], b: [f64; 2]) -> f64 {
    (a[0] - b[0]).hypot(a[1] - b[1])
}

/// The contacts, and the middles between neighbouring ones.
fn sites(positions_um: &[[f64; 2]], narrow: &[Vec<usize>]) -> Vec<Site> {
    let mut sites: Vec<Site> = (0..positions_um.len())
        .map(|home| Site {
            position_um: positions_um[home],
            home,
        })
        .collect();
    for a in 0..positions_um.len() {
        for &b in narrow[a].iter().filter(|&&b| b > a) {
            let (p, q) = (positions_um[a], positions_um[b]);
            let middle = [f64::midpoint(p[0], q[0]), f64::midpoint(p[1], q[1])];
            let near = |s: &Site| distance(s.position_um, middle) < SAME_PLACE_UM;
            if distance(p, q) <= BETWEEN_UM && !sites.iter().any(near) {
                sites.push(Site {
                    position_um: middle,
                    home: a,
                });
            }
        }
    }
    sites
}
