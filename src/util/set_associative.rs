//! Set-associative cache that is read without locks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

/// Bounded cache of entries in sets of a few places each; the hash selects the set.
///
/// A read takes no lock and does not write to shared memory, so a hot entry costs the same on every
/// core. A change locks the set, with the state `S` that belongs to it. The cache does not compare
/// keys: the caller tells entries of equal hashes apart.
pub(crate) struct SetAssociativeCache<E, S = ()> {
    sets: Box<[Set<E, S>]>,
}

struct Set<E, S> {
    places: [Place<E>; PLACES],
    state: Mutex<S>,
}

struct Place<E> {
    // Of the entry, so that other entries need not be loaded.
    hash: AtomicU64,
    // Read since it was stored, or since all flags of the set were cleared.
    used: AtomicBool,
    entry: ArcSwapOption<E>,
}

impl<E, S: Default> SetAssociativeCache<E, S> {
    /// Creates a cache of `capacity` entries, rounded up to a power of two.
    pub(crate) fn new(capacity: usize) -> Self {
        let sets = capacity.div_ceil(PLACES).next_power_of_two();
        Self {
            sets: (0..sets).map(|_| Set::default()).collect(),
        }
    }
}

impl<E, S> SetAssociativeCache<E, S> {
    pub(crate) const fn capacity(&self) -> usize {
        self.sets.len() * PLACES
    }

    /// Returns the first `Some` of `read` over the entries of this hash.
    pub(crate) fn get<T>(&self, hash: u64, read: impl Fn(&E) -> Option<T>) -> Option<T> {
        self.set(hash).places.iter().find_map(|place| {
            if place.hash.load(Ordering::Relaxed) != hash {
                return None;
            }
            let found = read(place.entry.load().as_deref()?)?;
            // Written once, not on every hit.
            if !place.used.load(Ordering::Relaxed) {
                place.used.store(true, Ordering::Relaxed);
            }
            Some(found)
        })
    }

    /// Locks the set of this hash.
    pub(crate) fn lock(&self, hash: u64) -> LockedSet<'_, E, S> {
        self.set(hash).lock()
    }

    /// Locks every set in turn.
    pub(crate) fn lock_each(&self) -> impl Iterator<Item = LockedSet<'_, E, S>> {
        self.sets.iter().map(Set::lock)
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "masked by the length, a power of two"
    )]
    fn set(&self, hash: u64) -> &Set<E, S> {
        &self.sets[hash as usize & (self.sets.len() - 1)]
    }
}

impl<E, S> Set<E, S> {
    fn lock(&self) -> LockedSet<'_, E, S> {
        LockedSet {
            places: &self.places,
            // No code under the lock panics between two changes.
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner),
            removed: Vec::new(),
        }
    }
}

impl<E, S: Default> Default for Set<E, S> {
    fn default() -> Self {
        Self {
            places: std::array::from_fn(|_| Place {
                hash: AtomicU64::new(0),
                used: AtomicBool::new(false),
                entry: ArcSwapOption::empty(),
            }),
            state: Mutex::default(),
        }
    }
}

/// Set that is locked for changes.
pub(crate) struct LockedSet<'a, E, S> {
    places: &'a [Place<E>; PLACES],
    pub(crate) state: MutexGuard<'a, S>,
    // Dropped after the lock: dropping an entry may access this set.
    removed: Vec<Arc<E>>,
}

impl<E, S> LockedSet<'_, E, S> {
    /// Stores an entry in place of its predecessor, so that there is only one; otherwise in place of
    /// an expired entry, in a free place, or in place of an entry that was not read again. So entries
    /// that are read once evict each other, and not the hot ones.
    pub(crate) fn put(
        &mut self,
        hash: u64,
        entry: E,
        is_predecessor: impl Fn(&E) -> bool,
        is_expired: impl Fn(&E) -> bool,
    ) {
        let rank = |place: &Place<E>| match place.entry.load().as_deref() {
            Some(entry) if is_predecessor(entry) => 0,
            Some(entry) if is_expired(entry) => 1,
            None => 2,
            Some(_) if !place.used.load(Ordering::Relaxed) => 3,
            Some(_) => HOT,
        };
        // Starts at varying places, so that equal ranks do not always select the same one.
        let (later, first) = self.places.split_at((hash >> 61) as usize);
        let ranked = first.iter().chain(later).map(|place| (rank(place), place));
        let Some((rank, place)) = ranked.min_by_key(|(rank, _)| *rank) else {
            return;
        };
        if rank == HOT {
            // All entries are hot: clear the flags and start over.
            for place in self.places {
                place.used.store(false, Ordering::Relaxed);
            }
        }
        self.removed.extend(place.entry.swap(Some(Arc::new(entry))));
        place.hash.store(hash, Ordering::Relaxed);
        place.used.store(false, Ordering::Relaxed);
    }

    /// Removes the entries for which `predicate` returns `true`.
    pub(crate) fn remove(&mut self, predicate: impl Fn(&E) -> bool) {
        for place in self.places {
            if place.entry.load().as_deref().is_some_and(&predicate) {
                self.removed.extend(place.entry.swap(None));
            }
        }
    }
}

/// Hash for [`SetAssociativeCache`].
///
/// It need not resist collisions: entries that share a set are not slower to find, they only evict
/// each other.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let words = words.iter().chain([&last]);
    words.fold(bytes.len() as u64, |mixed, word| {
        let mixed = mixed.rotate_left(5) ^ u64::from_le_bytes(*word);
        // Both halves of the product, so that each bit affects the lower bits, which select the set,
        // and the upper ones.
        let product = u128::from(mixed) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    })
}

/// Digits of the golden ratio, which have no pattern.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Places of a set: 2³, for the three bits of a hash that select the first one.
const PLACES: usize = 8;

const HOT: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn similar_names_are_spread_over_sets() {
        let spread = |name: &dyn Fn(u32) -> String| {
            let mut sets = [0; 1024];
            for number in 0..4096 {
                sets[hash(name(number).as_bytes()) as usize % 1024] += 1;
            }
            sets.into_iter()
                .map(|names: u32| names.min(PLACES as u32))
                .sum::<u32>()
        };
        for (row, name) in [
            (
                "one digit more",
                &(|n| format!("{n}")) as &dyn Fn(u32) -> String,
            ),
            ("six digits", &|n| format!("{n:06}")),
            ("seven digits", &|n| format!("{:07}", 1_000_000 + n)),
            ("eight digits", &|n| format!("{:08}", 10_000_000 + n)),
            ("behind a word", &|n| format!("user-{n:010}")),
            ("before a word", &|n| format!("{n}@example.com")),
            ("a tenant", &|n| format!("tenant-{n}/7")),
            ("UUIDs in a row", &|n| {
                format!("01890a5d-ac96-774b-bcce-b302{n:08x}")
            }),
            ("UUIDs by time", &|n| {
                format!("0189{n:04x}-ac96-774b-bcce-b302099a8057")
            }),
        ] {
            // As many as random hashes would keep, with twice as many places as names.
            assert!(spread(name) > 4000, "{row}: {}", spread(name));
        }
    }
}
