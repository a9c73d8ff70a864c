//! Recorder of the runs of Argon2, for tests.

use std::fmt;
use std::mem;
use std::sync::{Arc, Mutex, OnceLock};

use tracing::field::{Field, Visit};
use tracing::subscriber::{self, DefaultGuard};
use tracing::{Dispatch, Event, Metadata, Subscriber, span};

/// Runs of Argon2 that were caused by this thread, read from the log.
pub(crate) struct Runs {
    seen: Arc<Mutex<Vec<Run>>>,
    _guard: DefaultGuard,
}

/// KiB, iterations, lanes.
pub(crate) type Run = (u64, u64, u64);

impl Runs {
    pub(crate) fn record() -> Self {
        // With a single subscriber, a thread without one that reaches an event first disables the
        // event for all threads (`JustOne` in tracing-core). A second subscriber prevents that.
        static SECOND: OnceLock<Dispatch> = OnceLock::new();
        SECOND.get_or_init(|| Dispatch::new(Recorder(Arc::default())));

        let seen = Arc::default();
        let guard = subscriber::set_default(Recorder(Arc::clone(&seen)));
        Self {
            seen,
            _guard: guard,
        }
    }

    /// Takes the runs since the last call.
    pub(crate) fn take(&self) -> Vec<Run> {
        mem::take(&mut self.seen.lock().unwrap())
    }
}

struct Recorder(Arc<Mutex<Vec<Run>>>);

impl Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "tower_warder::password"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut run = RunVisitor::default();
        event.record(&mut run);
        if let RunVisitor {
            m: Some(m),
            t: Some(t),
            p: Some(p),
        } = run
        {
            self.0.lock().unwrap().push((m, t, p));
        }
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct RunVisitor {
    m: Option<u64>,
    t: Option<u64>,
    p: Option<u64>,
}

impl Visit for RunVisitor {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "m" => self.m = Some(value),
            "t" => self.t = Some(value),
            "p" => self.p = Some(value),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn fmt::Debug) {}
}
