//! What is counted, as a recorder hears it.

mod caches;
mod loads;
mod page;
mod refusals;

use metrics_util::debugging::DebuggingRecorder;

use crate::support::counted;
