use std::vec;

/// The number of items of one page after which the stream yields to the executor.
pub(super) const CHUNK: usize = 512;

/// The largest number of items that are cut into chunks at once. The chunks take memory of their own.
const MAX_CUT: usize = 4096;

/// The items of a large page that follow the current chunk.
///
/// Cutting a page into chunks copies whole blocks of memory, but takes the memory of its items twice. A giant page is not
/// cut: its items are moved into a chunk one by one when the chunk is due, which costs several times as much.
pub(super) enum Tail<T> {
    /// The chunks, the last one first. All of them but that one have the full length.
    Chunks(Vec<Vec<T>>),
    /// The items of a giant page.
    Items(vec::IntoIter<T>),
}

impl<T> Default for Tail<T> {
    fn default() -> Self {
        Self::Chunks(Vec::new())
    }
}

impl<T> Tail<T> {
    pub(super) fn new(mut items: Vec<T>) -> Self {
        if items.len() > MAX_CUT {
            return Self::Items(items.into_iter());
        }
        let mut chunks = Vec::with_capacity(items.len().div_ceil(CHUNK));
        // From the end, so that each item is copied once.
        while items.len() > CHUNK {
            let start = (items.len() - 1) / CHUNK * CHUNK;
            chunks.push(items.split_off(start));
        }
        chunks.push(items);
        Self::Chunks(chunks)
    }

    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Chunks(chunks) => chunks.is_empty(),
            Self::Items(items) => items.as_slice().is_empty(),
        }
    }

    pub(super) fn len(&self) -> usize {
        match self {
            Self::Chunks(chunks) => {
                let last = chunks.first().map_or(0, Vec::len);
                chunks.len().saturating_sub(1) * CHUNK + last
            }
            Self::Items(items) => items.len(),
        }
    }

    pub(super) fn first(&self) -> Option<&T> {
        match self {
            Self::Chunks(chunks) => chunks.last()?.first(),
            Self::Items(items) => items.as_slice().first(),
        }
    }

    /// Removes the next chunk, which is empty only if there are no more items.
    pub(super) fn next_chunk(&mut self) -> vec::IntoIter<T> {
        let chunk = match self {
            Self::Chunks(chunks) => chunks.pop().unwrap_or_default(),
            Self::Items(items) => items.by_ref().take(CHUNK).collect(),
        };
        chunk.into_iter()
    }

    /// Returns all items.
    pub(super) fn into_items(self) -> impl Iterator<Item = T> {
        let (chunks, items) = match self {
            Self::Chunks(chunks) => (chunks, Vec::new().into_iter()),
            Self::Items(items) => (Vec::new(), items),
        };
        chunks.into_iter().rev().flatten().chain(items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_items_come_in_order_and_in_full_chunks() {
        for len in [1, 511, 512, 513, 1000, 1024, 1025, 4095, 4096, 4097, 4608, 4609, 8192, 10_000] {
            let mut tail = Tail::new((0..len).collect());
            let mut next = 0;
            loop {
                assert_eq!(tail.len(), len - next, "{len}");
                assert_eq!(tail.is_empty(), next == len, "{len}");
                assert_eq!(tail.first().copied(), (next < len).then_some(next), "{len}");
                let chunk = tail.next_chunk();
                if chunk.len() == 0 {
                    break;
                }
                assert!(chunk.len() == CHUNK || tail.is_empty(), "{len}");
                assert!(chunk.clone().eq(next..next + chunk.len()), "{len}");
                next += chunk.len();
            }
            assert_eq!(next, len);
            let mut tail = Tail::new((0..len).collect());
            let first = tail.next_chunk();
            assert!(first.chain(tail.into_items()).eq(0..len), "{len}");
        }
    }

    #[test]
    fn a_chunk_of_a_giant_page_takes_its_own_memory_only() {
        let mut tail = Tail::new(vec![0_u64; 1_000_000]);
        assert!(matches!(tail, Tail::Items(_)));
        while !tail.is_empty() {
            assert!(tail.next_chunk().as_slice().len() <= CHUNK);
        }
    }
}
