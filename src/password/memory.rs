//! Working memory of hashes, which is reused.

use std::mem;
use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::Block;
use zeroize::Zeroize;

use crate::password::error::PasswordError;

/// Idle memory of the workers: at most one piece for each free permit.
pub(super) struct MemoryPool {
    blocks: usize,
    idle: Mutex<Vec<Memory>>,
}

impl MemoryPool {
    /// Creates an empty pool whose pieces have `blocks` blocks.
    pub(super) const fn new(blocks: usize) -> Self {
        Self {
            blocks,
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Blocks in each piece.
    pub(super) const fn blocks(&self) -> usize {
        self.blocks
    }

    /// Takes a piece for a hash that needs this many blocks. Allocates on first use only.
    pub(super) fn take(&self, blocks: usize) -> Memory {
        // A hash that needs more gets memory of its own, and leaves the pool to other hashes.
        if blocks > self.blocks {
            return Memory::new(blocks);
        }
        let idle = self.idle().pop();
        idle.unwrap_or_else(|| Memory::new(self.blocks))
    }

    /// Wipes the piece of a hash that needed this many blocks. Keeps it, unless the hash needed more
    /// than the pieces of the pool have: then none was taken from the pool, also if the job has put one
    /// of that size in the place of its own.
    pub(super) fn give_back(&self, mut memory: Memory, blocks: usize) {
        memory.wipe();
        if blocks <= self.blocks && memory.size == self.blocks && !memory.blocks.is_empty() {
            self.idle().push(memory);
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Working memory of one hash at a time. Wiped when dropped.
pub(super) struct Memory {
    size: usize,
    blocks: Vec<Block>,
    used: usize,
}

impl Memory {
    /// Creates a piece of `size` blocks, which is allocated at first use.
    pub(super) const fn new(size: usize) -> Self {
        Self {
            size,
            blocks: Vec::new(),
            used: 0,
        }
    }

    /// The first `count` blocks. Allocates at first use.
    ///
    /// # Errors
    ///
    /// [`PasswordError::Failed`] if the allocation fails, or if `count` exceeds the size of the piece.
    pub(super) fn blocks(&mut self, count: usize) -> Result<&mut [Block], PasswordError> {
        if self.blocks.is_empty() {
            // A failed allocation becomes a 503; it must not abort the process.
            self.blocks
                .try_reserve_exact(self.size)
                .map_err(|_| PasswordError::failed("out of memory"))?;
            self.blocks.resize(self.size, Block::new());
        }
        self.used = self.used.max(count);
        self.blocks
            .get_mut(..count)
            .ok_or_else(|| PasswordError::failed("a hash needs more memory than was reserved"))
    }

    fn wipe(&mut self) {
        let used = mem::take(&mut self.used);
        self.blocks.iter_mut().take(used).for_each(Block::zeroize);
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.wipe();
    }
}

#[cfg(test)]
impl MemoryPool {
    /// Number of idle pieces. Each piece goes with a permit, so after all work has ended this is the
    /// largest number that was in use at the same time.
    pub(super) fn idle_pieces(&self) -> usize {
        self.idle().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_wiped_and_reused() {
        let pool = MemoryPool::new(4);
        let mut memory = pool.take(2);
        for block in memory.blocks(2).unwrap() {
            block.as_mut().fill(7);
        }
        pool.give_back(memory, 2);
        assert_eq!(pool.idle_pieces(), 1);

        let mut memory = pool.take(4);
        assert_eq!(pool.idle_pieces(), 0);
        let words = |block: &Block| block.as_ref().iter().all(|&word| word == 0);
        assert!(memory.blocks(4).unwrap().iter().all(words));
    }

    #[test]
    fn oversized_memory_is_freed() {
        let pool = MemoryPool::new(4);
        let mut memory = pool.take(5);
        assert_eq!(memory.blocks(5).unwrap().len(), 5);
        pool.give_back(memory, 5);
        assert_eq!(pool.idle_pieces(), 0);
    }

    #[test]
    fn unused_memory_is_not_kept() {
        let pool = MemoryPool::new(4);
        pool.give_back(pool.take(4), 4);
        assert_eq!(pool.idle_pieces(), 0);
    }

    #[test]
    fn failed_allocation_is_an_error() {
        let pool = MemoryPool::new(usize::MAX / 2048);
        let failed = pool.take(1).blocks(1).err();
        assert_eq!(failed, Some(PasswordError::Failed));
    }
}
