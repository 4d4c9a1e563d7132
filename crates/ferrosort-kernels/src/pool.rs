//! Which channel, together with its nearest neighbours, resembles a spike prototype most.

use crate::dispatch::simd_kernel;

/// Samples handled together.
pub const POOL_TILE: usize = 128;

simd_kernel! {
    /// Lets one channel compete for each sample of a tile.
    ///
    /// `responses` holds the responses of every channel to every prototype, `[channels, prototypes, POOL_TILE]`. The energy of a channel is
    /// the maximum over prototypes and over `m = 1..` of `(sum of the responses of its m nearest channels)^2 / m`, `neighbours` being
    /// nearest first. Where it exceeds `best` by more than 1e-6, `best` and `winner` become this channel's. NaN never wins.
    pub fn pool_energy(
        responses: &[f32],
        prototypes: usize,
        neighbours: &[u32],
        channel: u32,
        best: &mut [f32; POOL_TILE],
        winner: &mut [u32; POOL_TILE],
    ) {
        let mut energy = [0.0f32; POOL_TILE];
        for p in 0..prototypes {
            let mut sum = [0.0f32; POOL_TILE];
            for (m, &c) in neighbours.iter().enumerate() {
                let start = (c as usize * prototypes + p) * POOL_TILE;
                let row: &[f32; POOL_TILE] = responses[start..start + POOL_TILE].try_into().expect("POOL_TILE samples");
                let share = 1.0 / (m + 1) as f32;
                for j in 0..POOL_TILE {
                    sum[j] += row[j];
                    let e = sum[j] * sum[j] * share;
                    energy[j] = if e > energy[j] { e } else { energy[j] };
                }
            }
        }
        for j in 0..POOL_TILE {
            let wins = energy[j] > best[j] + 1e-6;
            best[j] = if wins { energy[j] } else { best[j] };
            winner[j] = if wins { channel } else { winner[j] };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_the_best_number_of_neighbours() {
        let mut responses = vec![0.0f32; 3 * 2 * POOL_TILE];
        let mut set = |c: usize, p: usize, v: f32| responses[(c * 2 + p) * POOL_TILE + 5] = v;
        set(0, 0, 3.0);
        set(1, 0, 3.0);
        set(2, 1, -4.0);
        let (mut best, mut winner) = ([0.0; POOL_TILE], [9; POOL_TILE]);
        pool_energy(&responses, 2, &[0, 1, 2], 0, &mut best, &mut winner);
        assert_eq!((best[5], winner[5]), (18.0, 0), "two channels: 6^2 / 2");
        pool_energy(&responses, 2, &[2, 1, 0], 2, &mut best, &mut winner);
        assert_eq!((best[5], winner[5]), (18.0, 0), "16 does not beat 18");
        assert_eq!((best[4], winner[4]), (0.0, 9));
    }
}
