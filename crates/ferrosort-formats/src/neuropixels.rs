//! What Neuropixels probes are like, by part number.

/// How the entries of a probe's readout table (`~imroTbl`) are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readout {
    /// `channel bank ref apgain lfgain aphipass`: the electrode is `bank · channels + channel`.
    Banks,
    /// `channel bankmask ref electrode`.
    Electrode,
    /// `channel shank bank ref electrode`.
    ShankElectrode,
    /// `group bankA bankB` for 24 groups of channels: the electrodes are not told from it.
    Groups,
}

/// One kind of probe. Electrodes of a shank are numbered from the tip, row after row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Kind {
    /// Layout of the readout table.
    pub(crate) readout: Readout,
    /// Shanks.
    pub(crate) shanks: usize,
    /// Columns of a shank.
    pub(crate) columns: usize,
    /// Rows of a shank.
    pub(crate) rows: usize,
    /// Distance of columns and rows, µm.
    pub(crate) pitch_um: [f64; 2],
    /// x of the first column in even and in odd rows, from the left edge of the shank, µm.
    pub(crate) first_um: [f64; 2],
    /// Distance of shanks, µm.
    pub(crate) shank_pitch_um: f64,
    /// Channels that are read out at once.
    pub(crate) channels: usize,
    /// Gain of the spike band where it is fixed.
    pub(crate) ap_gain: Option<f64>,
    /// Largest count of the converter.
    pub(crate) max_count: f64,
}

const NP1: Kind = Kind {
    readout: Readout::Banks,
    shanks: 1,
    columns: 2,
    rows: 480,
    pitch_um: [32.0, 20.0],
    first_um: [27.0, 11.0],
    shank_pitch_um: 0.0,
    channels: 384,
    ap_gain: None,
    max_count: 512.0,
};

const NP2: Kind = Kind {
    readout: Readout::Electrode,
    rows: 640,
    pitch_um: [32.0, 15.0],
    first_um: [27.0, 27.0],
    ap_gain: Some(100.0),
    max_count: 2048.0,
    ..NP1
};

const NP2_BETA: Kind = Kind {
    ap_gain: Some(80.0),
    max_count: 8192.0,
    ..NP2
};

const fn four_shanks(one: Kind) -> Kind {
    Kind {
        readout: Readout::ShankElectrode,
        shanks: 4,
        shank_pitch_um: 250.0,
        ..one
    }
}

const fn quad_base(one: Kind) -> Kind {
    Kind { channels: 1536, ..one }
}

const fn grid(columns: usize, rows: usize, pitch_um: [f64; 2], first_um: [f64; 2]) -> Kind {
    Kind {
        columns,
        rows,
        pitch_um,
        first_um,
        ..NP1
    }
}

/// The probe with this part number (`NP1000`, `PRB_1_4_0480_1`); `None` when it is not known.
pub(crate) fn by_part_number(name: &str) -> Option<Kind> {
    if let Some(number) = name.strip_prefix("NP").and_then(|digits| digits.parse().ok()) {
        return by_number(number);
    }
    let starts = |prefix: &str| name.starts_with(prefix);
    if starts("PRB2_1") {
        Some(NP2_BETA)
    } else if starts("PRB2_4") {
        Some(four_shanks(NP2_BETA))
    } else if starts("PRB_1") {
        Some(NP1)
    } else {
        None
    }
}

/// The probe of this type in old readout tables and in `imDatPrb_type`; later types are numbers of parts.
pub(crate) fn by_type(number: u32) -> Option<Kind> {
    match number {
        0 => Some(NP1),
        21 => Some(NP2_BETA),
        24 => Some(four_shanks(NP2_BETA)),
        number => by_number(number),
    }
}

fn by_number(number: u32) -> Option<Kind> {
    let long = |rows| grid(2, rows, [87.0, 20.0], [27.0, 11.0]);
    let linear = |rows| grid(2, rows, [103.0, 20.0], [11.0, 11.0]);
    let square = |columns, rows, pitch, first| grid(columns, rows, [pitch, pitch], [first, first]);
    Some(match number {
        1000 | 1001 | 1010..=1014 => NP1,
        1015..=1017 => Kind {
            first_um: [27.0, 27.0],
            ..NP1
        },
        1020 | 1021 => long(1248),
        1030 | 1031 => long(2208),
        1022 => linear(1248),
        1032 | 1033 | 1040..=1051 => linear(2208),
        1100 => square(8, 48, 6.0, 14.0),
        1110 => Kind {
            readout: Readout::Groups,
            ..square(8, 768, 6.0, 15.5)
        },
        1120 => square(2, 192, 4.5, 6.75),
        1121 => grid(1, 384, [0.0, 3.0], [6.25, 6.25]),
        1122 => square(16, 24, 3.0, 12.5),
        1123 => square(12, 32, 4.5, 10.25),
        1200 | 1210 => Kind {
            channels: 128,
            ..grid(2, 64, [32.0, 31.0], [56.5, 36.5])
        },
        1300 | 1400 => grid(2, 480, [48.0, 20.0], [11.0, 11.0]),
        2000 => NP2_BETA,
        2003..=2005 => NP2,
        2006 => Kind {
            first_um: [27.0, 11.0],
            ..NP2
        },
        2010 => four_shanks(NP2_BETA),
        2013 | 2014 => four_shanks(NP2),
        2020 | 2021 | 3020..=3024 => quad_base(four_shanks(NP2)),
        2022 => Kind {
            pitch_um: [20.0, 15.0],
            first_um: [27.0, 11.0],
            shank_pitch_um: 2141.45,
            ..quad_base(four_shanks(NP2))
        },
        2300 => Kind {
            pitch_um: [48.0, 15.0],
            first_um: [11.0, 11.0],
            ..NP2
        },
        3000 => Kind {
            channels: 128,
            ..grid(1, 128, [0.0, 15.0], [59.0, 59.0])
        },
        3010..=3012 => quad_base(NP2),
        _ => return None,
    })
}

impl Kind {
    /// Place of an electrode on its shank, `[x, y]` from the left edge and the lowest row, µm; `None` when the shank has
    /// no such electrode.
    pub(crate) fn position_um(&self, electrode: usize) -> Option<[f64; 2]> {
        (electrode < self.columns * self.rows).then(|| self.at(electrode % self.columns, electrode / self.columns))
    }

    /// Place of a column and a row of a shank, µm.
    pub(crate) fn at(&self, column: usize, row: usize) -> [f64; 2] {
        [
            column as f64 * self.pitch_um[0] + self.first_um[row % 2],
            row as f64 * self.pitch_um[1],
        ]
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn staggered_linear_and_many_shanks() {
        let np1 = by_part_number("PRB_1_4_0480_1").unwrap();
        assert_eq!(np1, by_part_number("NP1000").unwrap());
        assert_eq!(
            [0, 1, 2, 3].map(|e| np1.position_um(e).unwrap()),
            [[27.0, 0.0], [59.0, 0.0], [11.0, 20.0], [43.0, 20.0]]
        );
        assert_eq!(np1.position_um(960), None);
        let np2 = by_type(24).unwrap();
        assert_eq!((np2.shanks, np2.ap_gain), (4, Some(80.0)));
        assert_eq!(by_type(2013).unwrap().ap_gain, Some(100.0));
        assert_eq!(by_part_number("NP2020").unwrap().channels, 1536);
        assert!(by_part_number("NP9999").is_none() && by_part_number("").is_none() && by_type(7).is_none());
    }
}
