//! MATLAB v4 files: for each variable five integers, the name and the numbers (MAT-File Format, chapter 2).

use super::{MAX_DECODED_BYTES, Outcome, Storage, Value, Variable};

/// Bytes of a variable's header: type, rows, columns, imaginary flag, length of the name.
const HEADER: usize = 20;

/// Reads all full matrices; sparse ones are skipped, imaginary parts ignored.
pub(super) fn read(bytes: &[u8]) -> Outcome<Vec<Variable>> {
    let mut variables = Vec::new();
    let mut rest = bytes;
    if rest.is_empty() {
        return Err("it is empty".to_owned());
    }
    while !rest.is_empty() {
        let (variable, next) = matrix(rest)?;
        variables.extend(variable);
        rest = next;
    }
    Ok(variables)
}

/// The first matrix and what follows it.
fn matrix(bytes: &[u8]) -> Outcome<(Option<Variable>, &[u8])> {
    let damaged = || "it is neither v5 nor v7.3, and not a valid v4 file".to_owned();
    let (head, body) = bytes.split_at_checked(HEADER).ok_or_else(damaged)?;
    let big_endian = is_big_endian(head).ok_or_else(damaged)?;
    let word = |i: usize| {
        let word = [head[4 * i], head[4 * i + 1], head[4 * i + 2], head[4 * i + 3]];
        let value = if big_endian {
            u32::from_be_bytes(word)
        } else {
            u32::from_le_bytes(word)
        };
        value as usize
    };
    let (kind, rows, columns, imaginary, name_len) = (word(0), word(1), word(2), word(3), word(4));
    let storage = storage(kind / 10 % 10).ok_or_else(damaged)?;
    let real_bytes = rows
        .checked_mul(columns)
        .and_then(|n| n.checked_mul(storage.bytes()))
        .filter(|&n| n <= MAX_DECODED_BYTES && imaginary <= 1)
        .ok_or_else(damaged)?;
    let (name, body) = body.split_at_checked(name_len).ok_or_else(damaged)?;
    let (real, body) = body.split_at_checked(real_bytes).ok_or_else(damaged)?;
    let next = body.get(imaginary * real_bytes..).ok_or_else(damaged)?;
    let name = name.split(|&b| b == 0).next().unwrap_or_default();
    let variable = Variable {
        name: String::from_utf8_lossy(name).into_owned(),
        value: Value::of_numbers(vec![rows, columns], storage.decode(real, big_endian)),
    };
    let sparse = kind % 10 == 2;
    Ok(((!sparse).then_some(variable), next))
}

/// The type word is `MOPT` in decimal, with M = 1 for big-endian, O = 0, P up to 5 and T up to 2.
fn is_big_endian(head: &[u8]) -> Option<bool> {
    let word = [head[0], head[1], head[2], head[3]];
    let valid = |value: u32| value % 1000 < 60 && value % 10 <= 2;
    match (u32::from_le_bytes(word), u32::from_be_bytes(word)) {
        (little, _) if little < 1000 && valid(little) => Some(false),
        (_, big) if (1000..2000).contains(&big) && valid(big) => Some(true),
        _ => None,
    }
}

fn storage(precision: usize) -> Option<Storage> {
    Some(match precision {
        0 => Storage::Float(8),
        1 => Storage::Float(4),
        2 => Storage::Signed(4),
        3 => Storage::Signed(2),
        4 => Storage::Unsigned(2),
        5 => Storage::Unsigned(1),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn big_endian_matrix() -> Vec<u8> {
        let mut bytes: Vec<u8> = [1030u32, 1, 2, 0, 3].iter().flat_map(|v| v.to_be_bytes()).collect();
        bytes.extend(b"ab\0");
        bytes.extend([0x00, 0x05, 0xff, 0xff]);
        bytes
    }

    #[test]
    fn big_endian_int16_reads() {
        let variables = read(&big_endian_matrix()).unwrap();
        assert_eq!(
            variables,
            [Variable {
                name: "ab".into(),
                value: Value::of_numbers(vec![1, 2], vec![5.0, -1.0])
            }]
        );
    }

    #[test]
    fn cut_and_foreign_bytes_are_errors() {
        let bytes = big_endian_matrix();
        for n in 0..bytes.len() {
            assert!(read(&bytes[..n]).is_err(), "{n}");
        }
        assert!(read(b"GIF89a with more than twenty bytes").is_err());
    }
}
