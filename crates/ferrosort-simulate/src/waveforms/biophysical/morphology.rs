//! Random somata, dendrites and axon initial segments (docs/waveforms.md 1.5).

use super::field::{ahead, dot, norm};
use super::spike::IntracellularSpike;
use super::{AxonInitialSegment, BiophysicalParams, Dendrite};
use crate::random::Draws;
use crate::waveforms::NeuronClass;

/// Dendrites closer to the apical one than this are turned away from it: cos 70°.
const COS_NEAR_APICAL: f64 = 0.3420201433256687;

/// Along the probe, towards the base: towards the surface of the brain.
const UP: [f64; 3] = [0.0, 1.0, 0.0];
const DOWN: [f64; 3] = [0.0, -1.0, 0.0];

impl BiophysicalParams {
    /// See [`BiophysicalParams::random`].
    pub(crate) fn draw(class: NeuronClass, position_um: [f64; 3], draws: &mut Draws) -> Self {
        match class {
            NeuronClass::FastSpiking => fast_spiking(position_um, draws),
            _ => regular_spiking(position_um, draws),
        }
    }
}

fn regular_spiking(position_um: [f64; 3], draws: &mut Draws) -> BiophysicalParams {
    let soma_radius_um = draws.between(7.5, 10.0);
    let tilt = draws.normal() * 10f64.to_radians();
    let apical = tilted(UP, tilt, draws);
    let mut dendrites = vec![Dendrite {
        diameter_um: draws.between(1.5, 3.0),
        length_um: draws.between(200.0, 500.0),
        direction: apical,
    }];
    for _ in 0..5 + draws.below(4) {
        let direction = isotropic(draws);
        let near = dot(direction, apical);
        dendrites.push(Dendrite {
            diameter_um: draws.between(1.2, 2.2),
            length_um: draws.between(100.0, 200.0),
            direction: if near > COS_NEAR_APICAL {
                ahead(direction, -2.0 * near, apical)
            } else {
                direction
            },
        });
    }
    BiophysicalParams {
        class: NeuronClass::RegularSpiking,
        position_um,
        soma_radius_um,
        spike: IntracellularSpike {
            amplitude_mv: draws.between(85.0, 105.0),
            rise_ms: draws.between(0.05, 0.08),
            width_ms: draws.between(0.35, 0.70),
            fall_ms: draws.between(0.12, 0.20),
            after_share: draws.between(0.02, 0.08),
            after_ms: draws.between(2.0, 6.0),
        },
        dendrites,
        axon: axon([0.25, 0.5], [0.05, 0.15], ahead([0.0; 3], -1.0, apical), draws),
    }
}

fn fast_spiking(position_um: [f64; 3], draws: &mut Draws) -> BiophysicalParams {
    let soma_radius_um = draws.between(5.0, 7.0);
    let dendrites = (0..6 + draws.below(5))
        .map(|_| Dendrite {
            diameter_um: draws.between(1.0, 1.8),
            length_um: draws.between(80.0, 180.0),
            direction: isotropic(draws),
        })
        .collect();
    BiophysicalParams {
        class: NeuronClass::FastSpiking,
        position_um,
        soma_radius_um,
        spike: IntracellularSpike {
            amplitude_mv: draws.between(65.0, 85.0),
            rise_ms: draws.between(0.04, 0.06),
            width_ms: draws.between(0.16, 0.28),
            fall_ms: draws.between(0.05, 0.09),
            after_share: draws.between(0.12, 0.25),
            after_ms: draws.between(1.0, 3.0),
        },
        dendrites,
        axon: axon([0.2, 0.4], [0.03, 0.1], DOWN, draws),
    }
}

fn axon(share: [f64; 2], lead_ms: [f64; 2], towards: [f64; 3], draws: &mut Draws) -> AxonInitialSegment {
    let share = draws.between(share[0], share[1]);
    let lead_ms = draws.between(lead_ms[0], lead_ms[1]);
    let tilt = draws.between(-0.3, 0.3);
    AxonInitialSegment {
        share,
        lead_ms,
        start_um: draws.between(5.0, 15.0),
        length_um: draws.between(25.0, 40.0),
        diameter_um: 1.2,
        direction: tilted(towards, tilt, draws),
    }
}

/// A direction drawn uniformly from the sphere.
pub(in crate::waveforms) fn isotropic(draws: &mut Draws) -> [f64; 3] {
    let z = draws.between(-1.0, 1.0);
    let angle = draws.between(0.0, std::f64::consts::TAU);
    let across = (1.0 - z * z).sqrt();
    [across * libm::cos(angle), across * libm::sin(angle), z]
}

/// `direction` turned by `angle` rad towards a random side.
fn tilted(direction: [f64; 3], angle: f64, draws: &mut Draws) -> [f64; 3] {
    let other = isotropic(draws);
    let side = ahead(other, -dot(other, direction), direction);
    let size = norm(side);
    ahead(
        ahead([0.0; 3], libm::cos(angle), direction),
        libm::sin(angle) / size,
        side,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Key, Stream};

    #[test]
    fn random_neurons_have_unit_directions_and_their_class_s_ranges() {
        for index in 0..50 {
            let mut draws = Key::new(5, Stream::Shape, index).draws();
            let rs = BiophysicalParams::draw(NeuronClass::RegularSpiking, [0.0, 0.0, 20.0], &mut draws);
            let fs = BiophysicalParams::draw(NeuronClass::FastSpiking, [0.0, 0.0, 20.0], &mut draws);
            assert!((6..=9).contains(&rs.dendrites.len()) && (6..=10).contains(&fs.dendrites.len()));
            for dendrite in rs.dendrites.iter().chain(&fs.dendrites) {
                assert!((norm(dendrite.direction) - 1.0).abs() < 1e-12);
            }
            let apical = rs.dendrites[0].direction;
            assert!(
                rs.dendrites[1..]
                    .iter()
                    .all(|d| dot(d.direction, apical) <= COS_NEAR_APICAL + 1e-12)
            );
            assert!(apical[1] > 0.6 && dot(rs.axon.direction, apical) < -0.95);
            assert!((0.35..0.70).contains(&rs.spike.width_ms) && (0.16..0.28).contains(&fs.spike.width_ms));
        }
    }
}
