//! Recorders of log output.

use std::cell::RefCell;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, Once};

use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::format::FmtSpan;

/// Recorder of the log of this thread: every field, span and level.
pub struct Log(());

impl Log {
    pub fn record() -> Self {
        // One subscriber for all threads: with short-lived ones, tracing caches that a callsite is
        // disabled.
        static LISTEN: Once = Once::new();
        LISTEN.call_once(|| {
            tracing_subscriber::fmt()
                .with_max_level(tracing::Level::TRACE)
                .with_span_events(FmtSpan::FULL)
                .with_ansi(false)
                .with_writer(|| Writer)
                .init();
            tracing::callsite::rebuild_interest_cache();
        });
        TEXT.replace(Some(Vec::new()));
        Self(())
    }

    pub fn text(&self) -> String {
        let text = TEXT.with_borrow(|text| text.clone().unwrap_or_default());
        String::from_utf8(text).unwrap()
    }

    /// Returns the lines of one level.
    pub fn lines(&self, level: &str) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter(|line| line.contains(level));
        lines.map(str::to_owned).collect()
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        TEXT.take();
    }
}

/// Recorder of the log of this thread and everything that it starts, including hashing threads.
pub struct Trace {
    text: Shared,
    _guard: DefaultGuard,
}

impl Trace {
    pub fn record() -> Self {
        // Keeps a second subscriber registered.
        drop(Log::record());
        let text = Shared::default();
        let writer = text.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_span_events(FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        Self {
            text,
            _guard: tracing::subscriber::set_default(subscriber),
        }
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.text.0.lock().unwrap().clone()).unwrap()
    }

    /// Returns the lines that contain this word.
    pub fn lines(&self, word: &str) -> Vec<String> {
        let text = self.text();
        let lines = text.lines().filter(|line| line.contains(word));
        lines.map(str::to_owned).collect()
    }
}

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Writer;

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        TEXT.with_borrow_mut(|text| match text {
            Some(text) => text.write(bytes),
            None => Ok(bytes.len()),
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

thread_local! {
    static TEXT: RefCell<Option<Vec<u8>>> = const { RefCell::new(None) };
}
