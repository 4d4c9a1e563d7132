#![allow(clippy::unwrap_used)]

use super::*;
use crate::fixture;

fn against_truth() -> SpikeComparison {
    let mut truth = TruthParams::new(true);
    truth.snr = Some(vec![3.0, 5.0, 8.0, 9.0, 12.0, 20.0]);
    truth.similarity = Some(Array2::eye(6));
    let params = CompareParams::new(fixture::SAMPLE_RATE).with_truth(truth);
    compare_spikes(&fixture::truth(), &fixture::tested(), &params).unwrap()
}

#[test]
fn json_has_the_names_of_the_tables_and_minus_one_for_no_unit() {
    let json = serde_json::to_value(against_truth()).unwrap();
    assert_eq!(json["delta_samples"], 12);
    assert_eq!(json["match_event_count"][5][7], 609);
    assert_eq!(json["hungarian_match_12"], serde_json::json!([0, 1, -1, 3, 4, 7]));
    assert_eq!(
        json["hungarian_match_21"],
        serde_json::json!([0, 1, -1, 3, 4, -1, -1, 5])
    );
    assert_eq!(json["best_match_21"], serde_json::json!([0, 1, 1, 3, 4, 0, -1, 5]));
    assert_eq!(json["performance_by_unit"][3]["fn"], 13);
    assert_eq!(json["performance_by_unit"][2]["tested_id"], -1);
    assert_eq!(json["confusion_matrix"]["matched"][6][2], 216);
    assert_eq!(json["unit_classes"]["redundant"], serde_json::json!([2, 5]));
    assert_eq!(json["collision_recall"]["n_events"], 80);
    assert_eq!(json["ks_benchmark"]["units"][1]["merges"], serde_json::json!([1, 2]));
    let accuracy = json["pooled_with_average"]["accuracy"].as_f64().unwrap();
    assert!((accuracy - 0.583612).abs() < 5e-7);
    assert_eq!(json["tolerance_curve"]["n_matched"].as_array().unwrap().len(), 10);
}

#[test]
fn without_a_truth_there_are_only_the_numbers_of_two_sorters() {
    let params = CompareParams::new(fixture::SAMPLE_RATE);
    let json = serde_json::to_value(compare_spikes(&fixture::truth(), &fixture::tested(), &params).unwrap()).unwrap();
    assert!(json.get("performance_by_unit").is_none());
    assert_eq!(json["summary"]["n_pairs_above_half"], 5);
    assert_eq!(json["ordered"]["columns"].as_array().unwrap().len(), 8);
}

#[test]
fn a_late_sorting_is_noticed_and_moved_back_on_request() {
    let truth = fixture::truth();
    let late: Vec<Vec<i64>> = truth
        .iter()
        .map(|train| train.iter().map(|t| t + 30).collect())
        .collect();
    let mut params = CompareParams::new(fixture::SAMPLE_RATE);
    let before = compare_spikes(&truth, &late, &params).unwrap();
    assert!((before.estimated_offset_samples.unwrap() - 30.0).abs() < 0.1);
    assert_eq!(before.summary.n_pairs_above_half, 0);
    params.time_offset_samples = 30;
    let after = compare_spikes(&truth, &late, &params).unwrap();
    assert_eq!(after.summary.n_pairs_above_0_8, 6);
    assert_eq!(after.estimated_offset_samples, before.estimated_offset_samples);
}

#[test]
fn tables_hold_the_numbers_under_the_names_of_the_units() {
    let mut params = CompareParams::new(fixture::SAMPLE_RATE).with_truth(TruthParams::new(true));
    params.unit_ids_a = ["n0", "n1", "n2", "n3", "n4", "n5"].map(str::to_owned).to_vec();
    let tables = comparison_tables(&compare_spikes(&fixture::truth(), &fixture::tested(), &params).unwrap());
    let csv = |name: &str| tables.iter().find(|table| table.name == name).unwrap().to_csv();
    assert!(csv("match_event_count").starts_with("unit,0,1,2,3,4,5,6,7\r\nn0,107,0,0,1,0,51,1,2\r\n"));
    assert!(csv("performance_by_unit").contains("\r\nn2,,0,232,0,232,0,0,0,0,0,0,1\r\n"));
    assert!(csv("confusion_matrix").ends_with("\r\nFP,0,0,216,83,203,74,51,390,0\r\n"));
    assert!(csv("unit_classes").contains("tested,overmerged,3\r\n"));
    assert!(csv("ks_benchmark").contains(",1,1 2\r\n"));
    assert!(
        tables
            .iter()
            .all(|table| table.rows.iter().all(|row| row.len() == table.header.len()))
    );
}

#[test]
fn performance_with_the_best_match_may_share_a_unit() {
    let mut truth = TruthParams::new(true);
    truth.match_mode = MatchMode::Best;
    let params = CompareParams::new(fixture::SAMPLE_RATE).with_truth(truth);
    let found = compare_spikes(&fixture::truth(), &fixture::tested(), &params)
        .unwrap()
        .truth
        .unwrap();
    let units = &found.performance.performance_by_unit;
    assert_eq!((units[2].tested_id, units[3].tested_id), (Some(3), Some(3)));
    assert_eq!(units[2].tp, 216);
}

#[test]
fn mistakes_in_the_input_are_named() {
    let params = CompareParams::new(30000.0);
    let error = compare_spikes(&[vec![5, 3]], &[], &params).unwrap_err().to_string();
    assert!(error.contains("unit 0 of the first sorting"), "{error}");
    assert!(compare_spikes(&[], &[], &CompareParams::new(0.0)).is_err());
    let mut wrong = CompareParams::new(30000.0);
    wrong.unit_ids_a = vec!["a".to_owned()];
    assert!(compare_spikes(&[], &[], &wrong).is_err());
    let mut truth = TruthParams::new(false);
    truth.snr = Some(vec![1.0]);
    assert!(compare_spikes(&[], &[], &CompareParams::new(30000.0).with_truth(truth)).is_err());
}

#[test]
fn sortings_without_units_compare() {
    let params = CompareParams::new(30000.0).with_truth(TruthParams::new(true));
    for (a, b) in [
        (vec![], vec![]),
        (vec![vec![1, 2]], vec![]),
        (vec![], vec![vec![1]]),
        (vec![vec![]], vec![vec![]]),
    ] {
        let found = compare_spikes(&a, &b, &params).unwrap();
        assert!(serde_json::to_string(&found).is_ok());
        assert!(!comparison_tables(&found).is_empty());
    }
}
