//! Argon2id cost parameters.

use crate::error::ConfigError;

/// Cost parameters of new Argon2id hashes (RFC 9106).
///
/// Defaults to 65536 KiB, 3 iterations and 4 lanes. Every value of this type meets at least one of
/// the rows that [OWASP] recommends, in debug builds as well. Each row holds for one lane or more.
///
/// | memory in KiB, at least | 47104 | 19456 | 12288 | 9216 | 7168 |
/// |---|--:|--:|--:|--:|--:|
/// | iterations, at least | 1 | 2 | 3 | 4 | 5 |
///
/// ```
/// use tower_warder::error::ConfigError;
/// use tower_warder::password::PasswordParams;
///
/// assert!(PasswordParams::new(19456, 2, 1).is_ok());
/// assert!(matches!(
///     PasswordParams::new(19456, 1, 1),
///     Err(ConfigError::InvalidPasswordParams(_))
/// ));
/// ```
///
/// [OWASP]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PasswordParams(Cost);

impl PasswordParams {
    /// Creates parameters from memory in KiB, iterations and lanes.
    ///
    /// The lanes of one hash are filled one after the other: they are part of the hash, not a number
    /// of threads.
    ///
    /// # Errors
    ///
    /// [`ConfigError::InvalidPasswordParams`] if no row of the table is met, and above 1 GiB,
    /// 16 iterations or 16 lanes.
    pub fn new(memory_kib: u32, iterations: u32, lanes: u32) -> Result<Self, ConfigError> {
        let cost = Cost {
            memory_kib,
            iterations,
            lanes,
        };
        cost.within_limits()
            .map_err(ConfigError::InvalidPasswordParams)?;
        let meets = |&(memory, times)| memory_kib >= memory && iterations >= times;
        if !FLOOR.iter().any(meets) {
            return Err(ConfigError::InvalidPasswordParams(
                "they are weaker than every row that OWASP recommends",
            ));
        }
        Ok(Self(cost))
    }

    /// Memory in KiB.
    pub const fn memory_kib(&self) -> u32 {
        self.0.memory_kib
    }

    /// Number of passes over the memory.
    pub const fn iterations(&self) -> u32 {
        self.0.iterations
    }

    /// Number of lanes that the memory is divided into.
    pub const fn lanes(&self) -> u32 {
        self.0.lanes
    }

    pub(super) const fn cost(&self) -> Cost {
        self.0
    }
}

impl Default for PasswordParams {
    fn default() -> Self {
        // What pwdlib's `PasswordHash.recommended()` writes.
        Self(Cost {
            memory_kib: 65536,
            iterations: 3,
            lanes: 4,
        })
    }
}

/// Parameters of a new or a stored hash, within the limits. A stored hash may be weak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cost {
    pub(super) memory_kib: u32,
    pub(super) iterations: u32,
    pub(super) lanes: u32,
}

impl Cost {
    pub(super) fn within_limits(&self) -> Result<(), &'static str> {
        if self.memory_kib > MAX_MEMORY_KIB {
            return Err("more than 1048576 KiB of memory");
        }
        if self.iterations > MAX_ITERATIONS {
            return Err("more than 16 iterations");
        }
        if self.lanes > MAX_LANES {
            return Err("more than 16 lanes");
        }
        if self.iterations == 0 || self.lanes == 0 {
            return Err("no iteration or no lane");
        }
        // RFC 9106, section 3.1.
        if self.memory_kib < 8 * self.lanes {
            return Err("less than 8 KiB of memory for each lane");
        }
        Ok(())
    }

    /// Cost of a second hash that, after one of this cost, makes both together take about as long as
    /// one of cost `live`. The time of Argon2 is proportional to the number of blocks that it fills.
    /// `None` if nothing is left, or less than the smallest hash.
    pub(super) fn remainder(self, live: Self) -> Option<Self> {
        let work = |cost: Self| u128::from(cost.memory_kib) * u128::from(cost.iterations);
        live.without(work(self), work(live))
    }

    /// Cost of a hash that takes this one's time without the part `done` of `whole`. `None` if
    /// nothing is left, or less than the smallest hash.
    pub(super) fn without(self, done: u128, whole: u128) -> Option<Self> {
        let left = u128::from(self.memory_kib) * whole.checked_sub(done)?;
        let rest = Self {
            memory_kib: u32::try_from(left.checked_div(whole)?).ok()?,
            ..self
        };
        rest.within_limits().is_ok().then_some(rest)
    }

    /// Number of 1 KiB blocks that hashing needs.
    pub(super) const fn blocks(&self) -> usize {
        self.memory_kib as usize
    }
}

/// Rows of the OWASP Password Storage Cheat Sheet: KiB, iterations.
const FLOOR: [(u32, u32); 5] = [(47104, 1), (19456, 2), (12288, 3), (9216, 4), (7168, 5)];

pub(super) const MAX_MEMORY_KIB: u32 = 1024 * 1024;
const MAX_ITERATIONS: u32 = 16;
const MAX_LANES: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owasp_rows_are_the_minimum() {
        for (memory, iterations) in FLOOR {
            assert!(PasswordParams::new(memory, iterations, 1).is_ok());
            assert!(PasswordParams::new(memory - 1, iterations, 1).is_err());
            assert!(PasswordParams::new(memory, iterations - 1, 1).is_err());
        }
        assert!(PasswordParams::new(7167, 16, 16).is_err());
    }

    #[test]
    fn new_hashes_have_the_limits_of_stored_ones() {
        for (memory, iterations, lanes, valid) in [
            (MAX_MEMORY_KIB, 16, 16, true),
            (MAX_MEMORY_KIB + 1, 3, 4, false),
            (65536, 17, 4, false),
            (65536, 3, 17, false),
            (65536, 3, 0, false),
            (65536, 0, 4, false),
            (u32::MAX, u32::MAX, u32::MAX, false),
            (0, 0, 0, false),
        ] {
            let params = PasswordParams::new(memory, iterations, lanes);
            assert_eq!(params.is_ok(), valid, "{memory} {iterations} {lanes}");
        }
    }

    #[test]
    fn defaults_are_valid() {
        let default = PasswordParams::default();
        let checked =
            PasswordParams::new(default.memory_kib(), default.iterations(), default.lanes());
        assert_eq!(checked.unwrap(), default);
    }
}
