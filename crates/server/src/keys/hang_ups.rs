//! SIGHUP: the sign to read the keys again.

use std::io;

use super::Keys;

#[cfg(unix)]
use std::io::IsTerminal;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that come from now on. They do not kill any more.
#[cfg(unix)]
pub struct HangUps {
    signals: Signal,
    in_terminal: bool,
}

#[cfg(unix)]
impl HangUps {
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            signals: signal(SignalKind::hangup())?,
            in_terminal: io::stderr().is_terminal(),
        })
    }

    /// Reads the keys again at each. One that comes while they are read counts afterwards. Ends when
    /// it meant what it is named after: the terminal in which we were started is gone.
    pub async fn reload(mut self, keys: Keys) {
        while self.signals.recv().await.is_some() {
            if self.in_terminal && !io::stderr().is_terminal() {
                return;
            }
            keys.reload().await;
        }
    }
}

/// There are none elsewhere.
#[cfg(not(unix))]
pub struct HangUps;

#[cfg(not(unix))]
impl HangUps {
    pub fn listen() -> io::Result<Self> {
        Ok(Self)
    }

    pub async fn reload(self, _: Keys) {
        std::future::pending().await
    }
}
