#![allow(clippy::unwrap_used)]
use super::*;

/// A file of format 1.0 with this dictionary and these bytes of data.
fn file(dictionary: &str, data: &[u8]) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((dictionary.len() as u16 + 1).to_le_bytes());
    bytes.extend(dictionary.as_bytes());
    bytes.push(b'\n');
    bytes.extend(data);
    std::fs::write(file.path(), bytes).unwrap();
    file
}

fn one(descr: &str, data: &[u8], n: usize) -> NpyValues {
    let dictionary = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({n},), }}");
    read_npy(file(&dictionary, data).path()).unwrap().values
}

fn refusal(dictionary: &str, data: &[u8]) -> String {
    read_npy(file(dictionary, data).path()).unwrap_err().to_string()
}

#[test]
fn every_number_type_reads_in_both_byte_orders() {
    use NpyValues::{Doubles, Integers, Singles};
    assert_eq!(one("|b1", &[0, 1], 2), Integers(vec![0, 1]));
    assert_eq!(one("|i1", &[0xff, 2], 2), Integers(vec![-1, 2]));
    assert_eq!(one("|u1", &[0xff], 1), Integers(vec![255]));
    assert_eq!(one("<i2", &[0xfe, 0xff], 1), Integers(vec![-2]));
    assert_eq!(one(">u2", &[1, 2], 1), Integers(vec![258]));
    assert_eq!(one(">i4", &(-5i32).to_be_bytes(), 1), Integers(vec![-5]));
    assert_eq!(one("<u8", &u64::MAX.to_le_bytes(), 1), Integers(vec![i64::MAX]));
    assert_eq!(
        one("<f2", &[0x00, 0x3c, 0x00, 0xc2, 0x01, 0x00], 3),
        Singles(vec![1.0, -3.0, 2f32.powi(-24)])
    );
    assert_eq!(one(">f4", &0.5f32.to_be_bytes(), 1), Singles(vec![0.5]));
    assert_eq!(one("<f8", &(-2.5f64).to_le_bytes(), 1), Doubles(vec![-2.5]));
}

#[test]
fn text_reads_without_the_zeros_behind_it() {
    let unicode: Vec<u8> = ['#', 'é', '\0']
        .iter()
        .flat_map(|&c| (c as u32).to_le_bytes())
        .collect();
    assert_eq!(one("<U3", &unicode, 1), NpyValues::Texts(vec!["#é".into()]));
    assert_eq!(
        one("|S3", b"ab\0xyz", 2),
        NpyValues::Texts(vec!["ab".into(), "xyz".into()])
    );
    assert_eq!(one("<U0", b"", 2), NpyValues::Texts(vec![String::new(); 2]));
}

#[test]
fn fortran_order_becomes_c_order() {
    let data: Vec<u8> = [1i16, 4, 2, 5, 3, 6].iter().flat_map(|v| v.to_le_bytes()).collect();
    let array = read_npy(file("{'descr': '<i2', 'fortran_order': True, 'shape': (2, 3), }", &data).path()).unwrap();
    assert_eq!(array.shape, [2, 3]);
    assert_eq!(array.values, NpyValues::Integers(vec![1, 2, 3, 4, 5, 6]));
}

#[test]
fn a_scalar_has_no_axes_and_one_value() {
    let array =
        read_npy(file("{'descr': '<i4', 'fortran_order': False, 'shape': (), }", &[7, 0, 0, 0]).path()).unwrap();
    assert_eq!((array.shape.len(), array.into_i64().unwrap()), (0, vec![7]));
}

#[test]
fn columns_of_structured_arrays_have_their_names_and_may_be_padded() {
    let dictionary = "{'descr': [('a', '<i2'), ('', '|V2'), ('b', '>f4')], 'fortran_order': False, 'shape': (2,), }";
    let mut data = Vec::new();
    for (a, b) in [(1i16, 0.5f32), (-1, 2.0)] {
        data.extend(a.to_le_bytes());
        data.extend([9, 9]);
        data.extend(b.to_be_bytes());
    }
    let file = file(dictionary, &data);
    let columns = read_npy_columns(file.path()).unwrap();
    assert_eq!(columns[0].0, "a");
    assert_eq!(columns[0].1.values, NpyValues::Integers(vec![1, -1]));
    assert_eq!(columns[1].1.values, NpyValues::Singles(vec![0.5, 2.0]));
    assert!(
        read_npy(file.path())
            .unwrap_err()
            .to_string()
            .contains("several columns")
    );
}

#[test]
fn headers_that_claim_too_much_or_are_foreign_are_one_sentence() {
    let claim = "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }";
    assert!(refusal(claim, &[0; 8]).contains("more than it holds"));
    let overflow = "{'descr': '<f8', 'fortran_order': False, 'shape': (4000000000000000, 4000000000000000), }";
    assert!(refusal(overflow, &[]).contains("too large"));
    assert!(refusal("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", &[]).contains("Python objects"));
    assert!(refusal("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", &[]).contains("'<c8'"));
    assert!(refusal("{'descr': '<U0', 'fortran_order': False, 'shape': (99999999,), }", &[]).contains("million"));
    assert!(refusal("__import__('os')", &[]).contains("not executed"));
    let text = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(text.path(), "no numbers here").unwrap();
    assert!(
        read_npy(text.path())
            .unwrap_err()
            .to_string()
            .contains("not a NumPy file")
    );
}

proptest::proptest! {
    #[test]
    fn damaged_files_never_panic(changes in proptest::collection::vec((0usize..120, proptest::prelude::any::<u8>()), 0..8), keep in 0usize..150) {
        let dictionary = "{'descr': [('a', '<i8'), ('b', '<U2')], 'fortran_order': True, 'shape': (2, 1), }";
        let whole = file(dictionary, &[1; 32]);
        let mut bytes = std::fs::read(whole.path()).unwrap();
        for (at, value) in changes {
            if let Some(byte) = bytes.get_mut(at) {
                *byte = value;
            }
        }
        bytes.truncate(keep);
        std::fs::write(whole.path(), bytes).unwrap();
        let _ = read_npy_columns(whole.path());
    }
}
