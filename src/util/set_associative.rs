//! A bounded map that is read without locks.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;

/// Entries in sets of a few places each; the hash says which set. Whoever reads takes no lock and
/// writes to no memory that others read, so that a hot entry costs the same on every core. Whoever
/// changes a set locks that set, with the state `S` that belongs to it.
///
/// It does not know what its entries are: equal hashes are told apart by whoever asks.
pub(crate) struct SetAssociativeCache<E, S = ()> {
    sets: Box<[Set<E, S>]>,
}

struct Set<E, S> {
    places: [Place<E>; PLACES],
    state: Mutex<S>,
}

struct Place<E> {
    // Of the entry, so that the others need not be looked at.
    hash: AtomicU64,
    // Read since it came, or since all in the set had been.
    used: AtomicBool,
    entry: ArcSwapOption<E>,
}

impl<E, S: Default> SetAssociativeCache<E, S> {
    /// For `capacity` entries, rounded up to a power of two.
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

    /// What `read` finds in an entry of this hash.
    pub(crate) fn get<T>(&self, hash: u64, read: impl Fn(&E) -> Option<T>) -> Option<T> {
        self.set(hash).places.iter().find_map(|place| {
            if place.hash.load(Ordering::Relaxed) != hash {
                return None;
            }
            let found = read(place.entry.load().as_deref()?)?;
            // Written once, not at every hit.
            if !place.used.load(Ordering::Relaxed) {
                place.used.store(true, Ordering::Relaxed);
            }
            Some(found)
        })
    }

    /// The set of this hash, to be changed.
    pub(crate) fn lock(&self, hash: u64) -> LockedSet<'_, E, S> {
        self.set(hash).lock()
    }

    /// Every set in its turn, to be changed.
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
            // Nothing that is done under the lock panics halfway.
            state: self.state.lock().unwrap_or_else(PoisonError::into_inner),
            gone: Vec::new(),
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

/// A set that nobody else changes.
pub(crate) struct LockedSet<'a, E, S> {
    places: &'a [Place<E>; PLACES],
    pub(crate) state: MutexGuard<'a, S>,
    // Dropped after the lock: what goes with an entry may have something to do here.
    gone: Vec<Arc<E>>,
}

impl<E, S> LockedSet<'_, E, S> {
    /// Puts an entry in the place of its predecessor, so that there is only one. Else in that of
    /// an entry that is worth nothing any more, else in a free place, else in that of an entry
    /// that was not read again: those that are read once drive out each other, and not the hot
    /// ones.
    pub(crate) fn put(
        &mut self,
        hash: u64,
        entry: E,
        is_predecessor: impl Fn(&E) -> bool,
        is_worthless: impl Fn(&E) -> bool,
    ) {
        let rank = |place: &Place<E>| match place.entry.load().as_deref() {
            Some(entry) if is_predecessor(entry) => 0,
            Some(entry) if is_worthless(entry) => 1,
            None => 2,
            Some(_) if !place.used.load(Ordering::Relaxed) => 3,
            Some(_) => HOT,
        };
        // Not always the same place, where several are as good.
        let (later, first) = self.places.split_at((hash >> 61) as usize);
        let ranked = first.iter().chain(later).map(|place| (rank(place), place));
        let Some((rank, place)) = ranked.min_by_key(|(rank, _)| *rank) else {
            return;
        };
        if rank == HOT {
            // All of them: from now on it counts again who is read.
            for place in self.places {
                place.used.store(false, Ordering::Relaxed);
            }
        }
        self.gone.extend(place.entry.swap(Some(Arc::new(entry))));
        place.hash.store(hash, Ordering::Relaxed);
        place.used.store(false, Ordering::Relaxed);
    }

    /// Takes out the entries of which `goes` says so.
    pub(crate) fn remove(&mut self, goes: impl Fn(&E) -> bool) {
        for place in self.places {
            if place.entry.load().as_deref().is_some_and(&goes) {
                self.gone.extend(place.entry.swap(None));
            }
        }
    }
}

/// A hash for [`SetAssociativeCache`]. Whoever makes others collide gains nothing: of eight that share a set none
/// is ever slower to find, they only drive out each other.
pub(crate) fn hash(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut last = [0; 8];
    for (place, byte) in last.iter_mut().zip(rest) {
        *place = *byte;
    }
    let words = words.iter().chain([&last]);
    words.fold(bytes.len() as u64, |mixed, word| {
        let mixed = mixed.rotate_left(5) ^ u64::from_le_bytes(*word);
        // Both halves of the product, so that each bit tells on the lower ones, which choose the
        // set, and on the upper ones.
        let product = u128::from(mixed) * u128::from(ODD);
        product as u64 ^ (product >> 64) as u64
    })
}

/// Without a pattern: the golden ratio's digits.
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// Two to the power of the three bits of a hash that choose among them.
const PLACES: usize = 8;

const HOT: u8 = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_are_alike_do_not_meet_in_one_set() {
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
            // As many as chance would keep, in places for twice as many.
            assert!(spread(name) > 4000, "{row}: {}", spread(name));
        }
    }
}
