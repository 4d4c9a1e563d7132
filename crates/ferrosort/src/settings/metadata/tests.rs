#![allow(clippy::unwrap_used)]
use super::*;
use crate::settings::{Compat, Parameters};

fn fields<T: serde::Serialize>(value: &T) -> Vec<String> {
    let serde_json::Value::Object(map) = serde_json::to_value(value).unwrap() else {
        panic!("a struct of named fields")
    };
    map.keys().cloned().collect()
}

#[test]
fn the_tables_list_every_field_in_order() {
    assert_eq!(
        fields(&Parameters::kilosort2()),
        PARAMETERS.map(|info| info.name.to_string())
    );
    assert_eq!(fields(&Compat::default()), COMPAT.map(|info| info.name.to_string()));
}

#[test]
fn every_alias_is_one_of_the_struct_too() {
    for info in &PARAMETERS {
        for alias in info.aliases {
            let mut table = toml::Table::try_from(Parameters::kilosort2()).unwrap();
            let value = table.remove(info.name).unwrap();
            table.insert((*alias).to_string(), value);
            assert!(table.try_into::<Parameters>().is_ok(), "{} as {alias}", info.name);
        }
    }
}

#[test]
fn names_are_unique_over_all_tables() {
    let mut names: Vec<&str> = PARAMETERS.iter().map(|info| info.name).collect();
    names.extend(PARAMETERS.iter().flat_map(|info| info.aliases));
    names.extend(WITHOUT_EFFECT.iter().chain(&ABOUT_THE_RECORDING).map(|(name, _)| name));
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn ranges_hold_their_ends_and_refuse_what_is_not_finite() {
    assert!(Between(0.0, 1.0).contains(1.0) && !Between(0.0, 1.0).contains(1.1));
    assert!(!Above(0.0).contains(0.0) && Above(0.0).contains(1e-9));
    assert!(Below(0.0).contains(-6.0) && !Below(0.0).contains(0.0));
    assert!(AtLeast(1.0).contains(1.0));
    for range in [Above(0.0), AtLeast(0.0), Below(0.0), Between(0.0, 1.0)] {
        assert!(!range.contains(f64::NAN) && !range.contains(f64::INFINITY));
    }
}
