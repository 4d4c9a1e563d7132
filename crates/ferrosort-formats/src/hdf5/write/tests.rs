//! Files that the reader of other programs' files reads back.

use hdf5_reader::Hdf5File;

use super::*;

fn written(file: FileWriter) -> Vec<u8> {
    let mut bytes = Vec::new();
    file.write(&mut bytes).unwrap();
    bytes
}

#[test]
fn groups_values_and_attributes_read_back() {
    let mut file = FileWriter::new();
    file.attribute("/", "version", &[], Values::text("2.8.0 µ"));
    file.group("/empty");
    file.dataset("/a/b/double", &[2, 3], Values::F64(Box::new((0..6).map(f64::from))));
    file.dataset("/a/single", &[2], Values::F32(Box::new([0.5, -1.5].into_iter())));
    file.dataset("/a/whole", &[3], Values::integers([1, -2, 3].into_iter()));
    file.dataset("/a/ends", &[2], Values::U32(Box::new([7, u32::MAX].into_iter())));
    file.dataset("/a/none", &[0], Values::integers(std::iter::empty()));
    file.dataset("/scalar", &[], Values::text("one"));
    file.attribute("/a/whole", "unit", &[], Values::number(0.25));
    file.attribute(
        "/a/whole",
        "names",
        &[2],
        Values::Texts(vec!["x".into(), String::new()]),
    );
    file.soft_link("/a", "link", "/scalar");
    let bytes = written(file);
    let file = Hdf5File::from_bytes(&bytes).unwrap();
    let numbers = |path: &str| file.dataset(path).unwrap().read_array::<f64>().unwrap();
    assert_eq!(numbers("/a/b/double").shape(), [2, 3]);
    assert_eq!(numbers("/a/b/double").iter().sum::<f64>(), 15.0);
    let single = file.dataset("/a/single").unwrap().read_array::<f32>().unwrap();
    assert_eq!(single.as_slice().unwrap(), [0.5, -1.5]);
    let whole = file.dataset("/a/whole").unwrap();
    assert_eq!(whole.read_array::<i64>().unwrap().as_slice().unwrap(), [1, -2, 3]);
    let ends = file.dataset("/a/ends").unwrap().read_array::<u32>().unwrap();
    assert_eq!(ends.as_slice().unwrap(), [7, u32::MAX]);
    assert_eq!(file.dataset("/a/none").unwrap().num_elements().unwrap(), 0);
    assert_eq!(file.dataset("/scalar").unwrap().read_strings().unwrap(), ["one"]);
    assert!(file.group("/empty").is_ok());
    assert_eq!(bytes.len() as u64, file.superblock().eof_address);
}

#[test]
fn many_texts_take_several_collections() {
    let texts: Vec<String> = (0..5000)
        .map(|n| format!("text {n} of many, each longer than a few bytes"))
        .collect();
    let mut file = FileWriter::new();
    file.dataset("/texts", &[texts.len()], Values::Texts(texts.clone()));
    let bytes = written(file);
    let file = Hdf5File::from_bytes(&bytes).unwrap();
    assert_eq!(file.dataset("/texts").unwrap().read_strings().unwrap(), texts);
}

#[test]
fn mistakes_of_the_caller_are_errors() {
    let mut file = FileWriter::new();
    file.dataset("/few", &[3], Values::number(1.0));
    let error = file.write(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("/few has 8 bytes"), "{error}");
    let mut file = FileWriter::new();
    file.dataset("/reference", &[1], Values::References(vec!["/nothing".into()]));
    let error = file.write(&mut Vec::new()).unwrap_err();
    assert!(error.to_string().contains("no /nothing"), "{error}");
}
