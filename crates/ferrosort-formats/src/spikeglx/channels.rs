//! Which channels of acquisition the columns of a file hold.

use ferrosort_core::Result;

use super::meta::{MAX_CHANNELS, Meta};

/// The columns of a file: neural ones first, then sync and digital words.
#[derive(Debug, PartialEq)]
pub(super) struct Columns {
    /// Columns of the file.
    pub(super) count: usize,
    /// For each neural column, its channel of the probe (of the spike band or of the field potentials, both from 0).
    pub(super) neural: Vec<usize>,
    /// The neural columns are field potentials.
    pub(super) lfp: bool,
}

impl Columns {
    /// Columns of a probe's file.
    pub(super) fn of_probe(meta: &Meta, probe_channels: usize) -> Result<Self> {
        let n_columns = saved(meta)?;
        let kinds = meta.counts("snsApLfSy")?.unwrap_or_default();
        let &[ap, lf, sync] = kinds.as_slice() else {
            return Err(meta.error(
                "has no 'snsApLfSy' with three numbers (words of spikes, of field potentials and of sync); take the .meta \
                 file that SpikeGLX wrote",
            ));
        };
        if ap + lf + sync != n_columns {
            return Err(meta.wrong("snsApLfSy", &format!("does not add up to nSavedChans={n_columns}")));
        }
        if ap + lf == 0 {
            return Err(meta.wrong("snsApLfSy", "has no neural channel, so there is nothing to sort"));
        }
        let acquired = match meta.counts("acqApLfSy")?.as_deref() {
            Some(&[ap, lf, _]) => [ap, lf],
            _ => [probe_channels; 2],
        };
        let lfp = ap == 0;
        // Field potentials that CatGT made of a wide band keep the numbers of that band.
        let (first, n) = match (lfp, acquired) {
            (true, [ap, acquired_lf]) if acquired_lf > 0 => (ap, lf),
            (true, _) => (0, lf),
            (false, _) => (0, ap),
        };
        let neural = match subset(meta)? {
            None => (0..n).collect(),
            Some(numbers) if numbers.len() == n_columns => numbers
                .iter()
                .take(n)
                .map(|number| number.checked_sub(first))
                .collect::<Option<Vec<_>>>()
                .ok_or_else(|| meta.wrong("snsSaveChanSubset", "lists channels of spikes for field potentials"))?,
            Some(numbers) => {
                return Err(meta.wrong(
                    "snsSaveChanSubset",
                    &format!("lists {} channels, but nSavedChans is {n_columns}", numbers.len()),
                ));
            }
        };
        Ok(Self {
            count: n_columns,
            neural,
            lfp,
        })
    }

    /// Columns of a file of analogue inputs; `counts` are those before the digital words, `neural` of them are sorted
    /// from column `first` on.
    pub(super) fn of_inputs(meta: &Meta, first: usize, neural: usize) -> Result<Self> {
        let n_columns = saved(meta)?;
        if neural == 0 || first + neural > n_columns {
            return Err(meta.error(&format!(
                "the {n_columns} columns of the file hold no analogue channel, so there is nothing to sort"
            )));
        }
        Ok(Self {
            count: n_columns,
            neural: (first..first + neural).collect(),
            lfp: false,
        })
    }
}

fn saved(meta: &Meta) -> Result<usize> {
    let n = meta.required("nSavedChans")?;
    if n.fract() == 0.0 && (1.0..=MAX_CHANNELS as f64).contains(&n) {
        return Ok(n as usize);
    }
    Err(meta.wrong("nSavedChans", "is not a number of channels"))
}

/// The channels of acquisition that were saved; `None` for all.
fn subset(meta: &Meta) -> Result<Option<Vec<usize>>> {
    match meta.get("snsSaveChanSubset") {
        None | Some("" | "all") => Ok(None),
        Some(text) => parse_ranges(text)
            .map(Some)
            .ok_or_else(|| meta.wrong("snsSaveChanSubset", "is not a list of channels")),
    }
}

/// `0:10,50` as the numbers 0 to 10 and 50; `None` for anything else.
pub(super) fn parse_ranges(text: &str) -> Option<Vec<usize>> {
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once(':').unwrap_or((part, part));
        let (first, last) = (first.trim().parse::<usize>().ok()?, last.trim().parse::<usize>().ok()?);
        if last < first || last > MAX_CHANNELS || numbers.len() > MAX_CHANNELS {
            return None;
        }
        numbers.extend(first..=last);
    }
    Some(numbers)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::path::Path;

    use super::*;

    fn columns(text: &str) -> Result<Columns> {
        Columns::of_probe(&Meta::parse(Path::new("a.meta"), text), 384)
    }

    #[test]
    fn subsets_number_channels_of_the_probe() {
        let ap = "nSavedChans=9\nsnsApLfSy=8,0,1\nacqApLfSy=384,384,1\nsnsSaveChanSubset=192:199,768";
        assert_eq!(columns(ap).unwrap().neural, (192..200).collect::<Vec<_>>());
        let lf = "nSavedChans=3\nsnsApLfSy=0,2,1\nacqApLfSy=384,384,1\nsnsSaveChanSubset=385,390,768";
        let lf = columns(lf).unwrap();
        assert_eq!((lf.neural, lf.lfp), (vec![1, 6], true));
        let catgt = "nSavedChans=3\nsnsApLfSy=0,2,1\nacqApLfSy=384,0,1\nsnsSaveChanSubset=1,6,384";
        assert_eq!(columns(catgt).unwrap().neural, [1, 6]);
        let all = columns("nSavedChans=388\nsnsApLfSy=384,0,4\nsnsSaveChanSubset=all").unwrap();
        assert_eq!((all.neural.len(), all.count), (384, 388));
    }

    #[test]
    fn contradictions_are_named() {
        let message = |text: &str| columns(text).unwrap_err().to_string();
        assert!(message("nSavedChans=9\nsnsApLfSy=8,0,2").contains("does not add up"));
        assert!(message("nSavedChans=1\nsnsApLfSy=0,0,1").contains("no neural channel"));
        assert!(message("nSavedChans=9\nsnsApLfSy=8,0,1\nsnsSaveChanSubset=0:3,768").contains("lists 5 channels"));
        assert!(message("nSavedChans=9\nsnsApLfSy=8,0,1\nsnsSaveChanSubset=9:3").contains("not a list"));
        assert!(message("nSavedChans=9\nsnsApLfSy=8,0,1\nsnsSaveChanSubset=0:99999999999").contains("not a list"));
        assert!(message("nSavedChans=2\nsnsApLfSy=0,1,1\nsnsSaveChanSubset=3,768").contains("of spikes"));
        assert!(message("nSavedChans=1e99").contains("not a number of channels"));
        assert!(message("nSavedChans=9").contains("snsApLfSy"));
    }
}
