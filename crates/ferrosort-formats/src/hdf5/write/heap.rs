//! Texts of variable length: collections of the global heap (section III.E of the format).

/// Least size of a collection, bytes.
const LEAST_BYTES: usize = 4096;
/// A collection is closed when it is as large as this, bytes.
const FULL_BYTES: usize = 1 << 16;
/// Bytes before the first text of a collection, and before each text.
const HEAD_BYTES: usize = 16;

/// The place of a text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Slot {
    bytes: u32,
    collection: usize,
    index: u32,
}

impl Slot {
    /// Length, address of the collection, index in it.
    pub(super) fn encode(self, collections: &[u64]) -> [u8; 16] {
        let mut encoded = [0; 16];
        if self.bytes > 0 {
            let address = collections.get(self.collection).copied().unwrap_or_default();
            encoded[..4].copy_from_slice(&self.bytes.to_le_bytes());
            encoded[4..12].copy_from_slice(&address.to_le_bytes());
            encoded[12..].copy_from_slice(&self.index.to_le_bytes());
        }
        encoded
    }
}

/// All texts of a file. Empty ones take no place.
#[derive(Debug, Default)]
pub(super) struct Heap {
    /// Encoded texts of each collection, and how many they are.
    collections: Vec<(Vec<u8>, u16)>,
}

impl Heap {
    /// Adds a text. What follows a null, which would end it, is left out.
    pub(super) fn add(&mut self, text: &str) -> Slot {
        let text = text.split('\0').next().unwrap_or_default().as_bytes();
        if text.is_empty() {
            return Slot {
                bytes: 0,
                collection: 0,
                index: 0,
            };
        }
        if self
            .collections
            .last()
            .is_none_or(|(texts, _)| texts.len() >= FULL_BYTES)
        {
            self.collections.push((Vec::new(), 0));
        }
        let collection = self.collections.len() - 1;
        let (texts, count) = &mut self.collections[collection];
        *count += 1;
        // Index, number of references, four reserved bytes, size.
        texts.extend(count.to_le_bytes());
        texts.extend([1, 0, 0, 0, 0, 0]);
        texts.extend((text.len() as u64).to_le_bytes());
        texts.extend_from_slice(text);
        texts.resize(texts.len().next_multiple_of(8), 0);
        Slot {
            bytes: text.len() as u32,
            collection,
            index: u32::from(*count),
        }
    }

    /// The collections as they are written.
    pub(super) fn collections(&self) -> impl ExactSizeIterator<Item = Vec<u8>> {
        self.collections.iter().map(|(texts, _)| {
            // Free space at the end has a head of its own, with index 0.
            let size = (2 * HEAD_BYTES + texts.len()).max(LEAST_BYTES);
            let mut bytes = b"GCOL\x01\0\0\0".to_vec();
            bytes.extend((size as u64).to_le_bytes());
            bytes.extend_from_slice(texts);
            let free = size - bytes.len();
            bytes.extend([0; 8]);
            bytes.extend((free as u64).to_le_bytes());
            bytes.resize(size, 0);
            bytes
        })
    }
}
