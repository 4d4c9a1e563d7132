//! Units on which several sortings agree.

use ferrosort_core::{Cell, Error, Result, Table};
use ndarray::Array2;
use serde::Serialize;

use crate::json;
use crate::matching::{
    AgreementMethod, agreement_scores, count_matches, distance_between, label_two_trains, match_units, matched_pairs,
    tolerance_samples,
};
use crate::merged::merge;

/// Half of this many samples on either side makes spikes of a consensus train the same, whatever the tolerance is: the
/// fixed window of SpikeInterface.
const TRAIN_WINDOW: i64 = 10;

/// How sortings are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct ConsensusParams {
    /// Largest distance of coinciding spikes, ms.
    pub delta_time_ms: f64,
    /// Least agreement of units that are the same.
    pub match_score: f64,
    /// Which agreement.
    pub method: AgreementMethod,
}

impl Default for ConsensusParams {
    fn default() -> Self {
        Self {
            delta_time_ms: 0.4,
            match_score: 0.5,
            method: AgreementMethod::Count,
        }
    }
}

/// A unit of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Member {
    /// Place of the run.
    pub run: usize,
    /// Place of the unit in it.
    pub unit: usize,
}

/// Units of different runs that are the same.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ConsensusUnit {
    /// The units, at most one of each run, by run.
    pub members: Vec<Member>,
    /// Their number.
    pub agreement_number: usize,
    /// Mean agreement of the pairs among them that matched, 0 for a unit alone.
    pub avg_agreement: f64,
    /// The pair with the largest agreement, from which the train is made.
    pub strongest: Option<[Member; 2]>,
}

/// How the train of a consensus unit is made from its strongest pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ConsensusTrain {
    /// All spikes of the first and those of the second that the first lacks.
    Union,
    /// The spikes of the first that the second has too.
    Intersection,
}

/// Consensus of several runs.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Consensus {
    /// Every unit of every run belongs to exactly one of these; in the order of their first members.
    pub units: Vec<ConsensusUnit>,
    /// `[runs, runs]`: one-to-one pairs of two runs over the number of different units they have together.
    #[serde(serialize_with = "json::rows")]
    pub run_agreement: Array2<f64>,
    /// `[runs, agreement number - 1]`: for each run the number of its units by agreement number.
    #[serde(serialize_with = "json::rows")]
    pub units_by_agreement: Array2<usize>,
}

impl Consensus {
    /// Consensus units with at least `n` members.
    pub fn at_least(&self, n: usize) -> Vec<&ConsensusUnit> {
        self.units.iter().filter(|unit| unit.agreement_number >= n).collect()
    }

    /// Consensus units with exactly `n` members.
    pub fn exactly(&self, n: usize) -> Vec<&ConsensusUnit> {
        self.units.iter().filter(|unit| unit.agreement_number == n).collect()
    }

    /// The table `consensus`: one row for each consensus unit, with the unit of each run. `runs` are names of runs, and
    /// `unit_ids` names of their units.
    pub fn table(&self, runs: &[String], unit_ids: &[Vec<String>]) -> Table {
        let header = ["consensus_unit", "agreement_number", "avg_agreement"].map(str::to_owned);
        let mut table = Table::new("consensus", header.into_iter().chain(runs.iter().cloned()));
        for (place, unit) in self.units.iter().enumerate() {
            let mut row: Vec<Cell> = vec![place.into(), unit.agreement_number.into(), unit.avg_agreement.into()];
            row.resize(3 + runs.len(), "".into());
            for member in &unit.members {
                let id = unit_ids.get(member.run).and_then(|ids| ids.get(member.unit)).cloned();
                row[3 + member.run] = id.unwrap_or_else(|| member.unit.to_string()).into();
            }
            table.push(row);
        }
        table
    }
}

impl ConsensusUnit {
    /// Train of the unit; `runs` are the trains of the runs from which the consensus was made.
    pub fn train(&self, runs: &[Vec<Vec<i64>>], how: ConsensusTrain) -> Vec<i64> {
        let of = |member: Member| &runs[member.run][member.unit];
        let Some([first, second]) = self.strongest else {
            return self.members.first().map_or_else(Vec::new, |&member| of(member).clone());
        };
        let (a, b) = (of(first), of(second));
        let (in_a, in_b) = label_two_trains(a, b, TRAIN_WINDOW);
        match how {
            ConsensusTrain::Union => {
                let missing = b.iter().zip(in_b).filter(|(_, same)| !same).map(|(&sample, _)| sample);
                let mut train: Vec<i64> = a.iter().copied().chain(missing).collect();
                train.sort_unstable();
                train
            }
            ConsensusTrain::Intersection => a.iter().zip(in_a).filter(|(_, same)| *same).map(|(&t, _)| t).collect(),
        }
    }
}

/// Two units of different runs that matched one-to-one.
#[derive(Debug, Clone, Copy)]
struct Edge {
    ends: [usize; 2],
    weight: f64,
}

/// Finds the consensus units of several `runs`, each with ascending trains.
///
/// Every pair of runs is compared symmetrically; units matched one-to-one are joined. Where a group so joined holds a run
/// more than once, the weakest edge at the units of such runs is removed, until no run occurs twice.
///
/// # Errors
/// Fewer than two runs.
pub fn consensus(runs: &[Vec<Vec<i64>>], sample_rate: f64, params: ConsensusParams) -> Result<Consensus> {
    if runs.len() < 2 {
        return Err(Error::input(
            "a consensus needs at least two sortings; give another one",
        ));
    }
    let first_node = first_nodes(runs);
    let run_of_node: Vec<usize> = (0..runs.len()).flat_map(|run| vec![run; runs[run].len()]).collect();
    let (mut edges, run_agreement) = compare_runs(
        runs,
        &first_node,
        tolerance_samples(params.delta_time_ms, sample_rate),
        params,
    );
    remove_weak_edges(&mut edges, &run_of_node);
    let groups = components(run_of_node.len(), &edges);
    let member = |node: usize| Member {
        run: run_of_node[node],
        unit: node - first_node[run_of_node[node]],
    };
    let mut units_by_agreement = Array2::zeros((runs.len(), runs.len()));
    let mut units: Vec<ConsensusUnit> = Vec::with_capacity(groups.n);
    for nodes in groups.nodes() {
        for &node in &nodes {
            units_by_agreement[[run_of_node[node], nodes.len() - 1]] += 1;
        }
        let inside: Vec<&Edge> = edges
            .iter()
            .filter(|edge| nodes.binary_search(&edge.ends[0]).is_ok())
            .collect();
        units.push(consensus_unit(&nodes, &inside, member));
    }
    Ok(Consensus {
        units,
        run_agreement,
        units_by_agreement,
    })
}

fn first_nodes(runs: &[Vec<Vec<i64>>]) -> Vec<usize> {
    let mut next = 0;
    runs.iter()
        .map(|run| {
            let first = next;
            next += run.len();
            first
        })
        .collect()
}

fn consensus_unit(nodes: &[usize], edges: &[&Edge], member: impl Fn(usize) -> Member) -> ConsensusUnit {
    let strongest = edges
        .iter()
        .copied()
        .reduce(|most, edge| if edge.weight > most.weight { edge } else { most });
    let sum: f64 = edges.iter().map(|edge| edge.weight).sum();
    ConsensusUnit {
        members: nodes.iter().map(|&node| member(node)).collect(),
        agreement_number: nodes.len(),
        avg_agreement: if edges.is_empty() {
            0.0
        } else {
            sum / edges.len() as f64
        },
        strongest: strongest.map(|edge| edge.ends.map(&member)),
    }
}

/// Edges between the units of all pairs of runs, and the agreement of the runs.
fn compare_runs(
    runs: &[Vec<Vec<i64>>],
    first_node: &[usize],
    tolerance: i64,
    params: ConsensusParams,
) -> (Vec<Edge>, Array2<f64>) {
    let merged: Vec<_> = runs.iter().map(|run| merge(run)).collect();
    let lengths: Vec<Vec<usize>> = runs.iter().map(|run| run.iter().map(Vec::len).collect()).collect();
    let mut edges = Vec::new();
    let mut run_agreement = Array2::eye(runs.len());
    for i in 0..runs.len() {
        for k in i + 1..runs.len() {
            let agreement = match params.method {
                AgreementMethod::Count => {
                    let counts = count_matches(&runs[i], &runs[k], &merged[i], &merged[k], tolerance, true);
                    agreement_scores(&counts, &lengths[i], &lengths[k])
                }
                AgreementMethod::Distance => {
                    distance_between(&runs[i], &runs[k], &merged[i], &merged[k], tolerance).accuracy
                }
            };
            let matches = match_units(&agreement, params.match_score, params.match_score);
            let pairs = matched_pairs(&matches.hungarian_match_12);
            let together = runs[i].len() + runs[k].len() - pairs.len();
            run_agreement[[i, k]] = pairs.len() as f64 / together.max(1) as f64;
            run_agreement[[k, i]] = run_agreement[[i, k]];
            edges.extend(pairs.into_iter().map(|(u, v)| Edge {
                ends: [first_node[i] + u, first_node[k] + v],
                weight: agreement[[u, v]],
            }));
        }
    }
    (edges, run_agreement)
}

/// Removes edges until no component holds two units of one run.
fn remove_weak_edges(edges: &mut Vec<Edge>, run_of_node: &[usize]) {
    loop {
        let groups = components(run_of_node.len(), edges);
        let mut is_duplicate = vec![false; run_of_node.len()];
        let mut any = false;
        for nodes in groups.nodes() {
            for &node in &nodes {
                let twice = nodes
                    .iter()
                    .filter(|&&other| run_of_node[other] == run_of_node[node])
                    .count()
                    > 1;
                is_duplicate[node] = twice;
                any |= twice;
            }
        }
        if !any {
            return;
        }
        // The weakest in every component that has duplicates, the first of equal ones.
        let mut weakest: Vec<Option<usize>> = vec![None; groups.n];
        for (place, edge) in edges.iter().enumerate() {
            if edge.ends.iter().any(|&end| is_duplicate[end]) {
                let weak = &mut weakest[groups.of_node[edge.ends[0]]];
                if weak.is_none_or(|other: usize| edge.weight < edges[other].weight) {
                    *weak = Some(place);
                }
            }
        }
        let mut removed: Vec<usize> = weakest.into_iter().flatten().collect();
        removed.sort_unstable();
        for place in removed.into_iter().rev() {
            edges.remove(place);
        }
    }
}

/// Connected components, numbered in the order of their first nodes.
struct Components {
    n: usize,
    of_node: Vec<usize>,
}

impl Components {
    /// Ascending nodes of each component.
    fn nodes(&self) -> Vec<Vec<usize>> {
        let mut nodes = vec![Vec::new(); self.n];
        for (node, &component) in self.of_node.iter().enumerate() {
            nodes[component].push(node);
        }
        nodes
    }
}

fn components(n_nodes: usize, edges: &[Edge]) -> Components {
    let mut neighbours = vec![Vec::new(); n_nodes];
    for edge in edges {
        neighbours[edge.ends[0]].push(edge.ends[1]);
        neighbours[edge.ends[1]].push(edge.ends[0]);
    }
    let mut of_node = vec![usize::MAX; n_nodes];
    let mut n = 0;
    for start in 0..n_nodes {
        if of_node[start] == usize::MAX {
            let mut waiting = vec![start];
            while let Some(node) = waiting.pop() {
                if of_node[node] == usize::MAX {
                    of_node[node] = n;
                    waiting.extend(&neighbours[node]);
                }
            }
            n += 1;
        }
    }
    Components { n, of_node }
}

#[allow(clippy::unwrap_used)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture;

    fn three_runs() -> Vec<Vec<Vec<i64>>> {
        let tested = fixture::tested();
        let late = tested[..5]
            .iter()
            .map(|train| train.iter().map(|t| t + 2).collect())
            .collect();
        vec![fixture::truth(), tested, late]
    }

    fn names(unit: &ConsensusUnit) -> String {
        let name = |member: &Member| format!("{}{}", ["a", "b", "c"][member.run], member.unit);
        unit.members.iter().map(name).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_fixture_has_the_consensus_of_spikeinterface() {
        let runs = three_runs();
        let found = consensus(&runs, fixture::SAMPLE_RATE, ConsensusParams::default()).unwrap();
        let expected = [
            ("a0 b0 c0", 0.975976),
            ("a1 b1 c1", 0.736185),
            ("a2", 0.0),
            ("a3 b3 c3", 0.691582),
            ("a4 b4 c4", 0.823028),
            ("a5 b7", 0.75),
            ("b2 c2", 1.0),
            ("b5", 0.0),
            ("b6", 0.0),
        ];
        assert_eq!(found.units.len(), expected.len());
        for (unit, (members, agreement)) in found.units.iter().zip(expected) {
            assert_eq!(names(unit), members);
            assert!(
                (unit.avg_agreement - agreement).abs() < 5e-7,
                "{members}: {}",
                unit.avg_agreement
            );
        }
        let lengths: Vec<usize> = found
            .at_least(2)
            .iter()
            .map(|unit| unit.train(&runs, ConsensusTrain::Union).len())
            .collect();
        assert_eq!(lengths, [107, 113, 482, 386, 812, 74]);
        assert_eq!((found.exactly(1).len(), found.exactly(3).len()), (3, 4));
        assert_eq!(found.units_by_agreement.row(0).to_vec(), [1, 1, 4]);
        assert!((found.run_agreement[[0, 1]] - 5.0 / 9.0).abs() < 1e-15);
    }

    #[test]
    fn the_weakest_edge_goes_where_a_run_occurs_twice() {
        let edge = |a: usize, b: usize, weight: f64| Edge { ends: [a, b], weight };
        // Nodes 0 and 1 of run 0, 2 of run 1, 3 of run 2: a chain 0 - 2 - 3 - 1.
        let mut edges = vec![edge(0, 2, 0.9), edge(2, 3, 0.6), edge(1, 3, 0.7)];
        remove_weak_edges(&mut edges, &[0, 0, 1, 2]);
        // Only edges at the duplicate nodes may go; 1 - 3 is the weaker of them.
        let left: Vec<[usize; 2]> = edges.iter().map(|edge| edge.ends).collect();
        assert_eq!(left, [[0, 2], [2, 3]]);
    }

    #[test]
    fn an_intersection_holds_only_the_common_spikes() {
        let runs = vec![vec![vec![100, 200, 300]], vec![vec![102, 203, 400]]];
        let found = consensus(&runs, 30000.0, ConsensusParams::default()).unwrap();
        assert_eq!(found.units.len(), 1);
        assert_eq!(found.units[0].train(&runs, ConsensusTrain::Intersection), [100, 200]);
        assert_eq!(found.units[0].train(&runs, ConsensusTrain::Union), [100, 200, 300, 400]);
    }

    #[test]
    fn the_table_names_the_units_of_each_run() {
        let runs = vec![vec![vec![100]], vec![vec![100], vec![500]]];
        let found = consensus(&runs, 30000.0, ConsensusParams::default()).unwrap();
        let ids = vec![vec!["x".to_owned()], vec!["7".to_owned(), "9".to_owned()]];
        let csv = found.table(&["one".to_owned(), "two".to_owned()], &ids).to_csv();
        assert_eq!(
            csv,
            "consensus_unit,agreement_number,avg_agreement,one,two\r\n0,2,1,x,7\r\n1,1,0,,9\r\n"
        );
    }

    #[test]
    fn one_run_has_no_consensus() {
        assert!(consensus(&[vec![]], 30000.0, ConsensusParams::default()).is_err());
    }
}
