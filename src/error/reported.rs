//! An outage that the log knows of.

use std::error::Error;
use std::fmt;

/// Why nobody can answer, where that does not belong into the log for each request.
#[derive(Debug)]
pub(crate) struct Reported(pub(crate) &'static str);

impl fmt::Display for Reported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Error for Reported {}
