//! Metrics, as a recorder receives them.

mod caches;
mod loads;
mod page;
mod rejections;

use metrics_util::debugging::DebuggingRecorder;

use crate::support::counted;
