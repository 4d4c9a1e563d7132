//! Headers of objects, version 2 (section IV.A.1.b of the format): messages between a signature and a checksum.

use hdf5_core::jenkins_lookup3;

use super::datatype::encode_shape;
use super::{Array, Attribute, Object, Places, Small, UNDEFINED};

/// Types of messages.
const DATASPACE: u8 = 0x01;
const LINK_INFO: u8 = 0x02;
const DATATYPE: u8 = 0x03;
const FILL_VALUE: u8 = 0x05;
const LINK: u8 = 0x06;
const LAYOUT: u8 = 0x08;
const GROUP_INFO: u8 = 0x0A;
const ATTRIBUTE: u8 = 0x0C;

/// The header of the object of this path.
pub(super) fn encode(path: &str, object: &Object, places: &Places) -> Vec<u8> {
    let mut messages = Vec::new();
    match &object.dataset {
        Some(array) => dataset(&mut messages, array, places.values(path)),
        None => group(&mut messages, object, places),
    }
    for attribute in &object.attributes {
        message(&mut messages, ATTRIBUTE, &encode_attribute(attribute, places));
    }
    let mut header = b"OHDR".to_vec();
    // Version 2; the size of the messages takes four bytes.
    header.extend([2, 2]);
    header.extend((messages.len() as u32).to_le_bytes());
    header.extend(messages);
    let checksum = jenkins_lookup3(&header);
    header.extend(checksum.to_le_bytes());
    header
}

/// Appends a message: type, size, no flags.
fn message(messages: &mut Vec<u8>, kind: u8, content: &[u8]) {
    messages.push(kind);
    messages.extend((content.len() as u16).to_le_bytes());
    messages.push(0);
    messages.extend_from_slice(content);
}

fn dataset(messages: &mut Vec<u8>, array: &Array, address: u64) {
    message(messages, DATASPACE, &encode_shape(&array.shape));
    message(messages, DATATYPE, &array.datatype.encode());
    // Version 3; space allocated late, a fill value written if set, none set.
    message(messages, FILL_VALUE, &[3, 0x0A]);
    // Version 3, contiguous.
    let mut layout = vec![3, 1];
    layout.extend(address.to_le_bytes());
    layout.extend(array.bytes().to_le_bytes());
    message(messages, LAYOUT, &layout);
}

fn group(messages: &mut Vec<u8>, object: &Object, places: &Places) {
    // Version 0; the links are in this header, not in a heap with an index.
    let mut info = vec![0, 0];
    info.extend(UNDEFINED.to_le_bytes());
    info.extend(UNDEFINED.to_le_bytes());
    message(messages, LINK_INFO, &info);
    message(messages, GROUP_INFO, &[0, 0]);
    for path in &object.children {
        let name = path.rsplit('/').next().unwrap_or_default();
        let mut link = link_start(0, name);
        link.extend(places.object(path).to_le_bytes());
        message(messages, LINK, &link);
    }
    for (name, target) in &object.links {
        let mut link = link_start(1, name);
        link.extend((target.len() as u16).to_le_bytes());
        link.extend(target.bytes());
        message(messages, LINK, &link);
    }
}

/// Version 1; flags: two bytes for the length of the name, a kind of link (0 hard, 1 soft), a character set (UTF-8).
fn link_start(kind: u8, name: &str) -> Vec<u8> {
    let mut link = vec![1, 0b1_1001, kind, 1];
    link.extend((name.len() as u16).to_le_bytes());
    link.extend(name.bytes());
    link
}

/// Version 3, no flags; sizes of name, type and shape; the name in UTF-8.
fn encode_attribute(attribute: &Attribute, places: &Places) -> Vec<u8> {
    let (datatype, shape) = (attribute.datatype.encode(), encode_shape(&attribute.shape));
    let mut content = vec![3, 0];
    for size in [attribute.name.len() + 1, datatype.len(), shape.len()] {
        content.extend((size as u16).to_le_bytes());
    }
    content.push(1);
    content.extend(attribute.name.bytes());
    content.push(0);
    content.extend(datatype);
    content.extend(shape);
    match &attribute.values {
        Small::Bytes(bytes) => content.extend_from_slice(bytes),
        Small::Slots(slots) => {
            for slot in slots {
                content.extend(slot.encode(&places.collections));
            }
        }
        Small::References(paths) => {
            for path in paths {
                content.extend(places.object(path).to_le_bytes());
            }
        }
    }
    content
}
