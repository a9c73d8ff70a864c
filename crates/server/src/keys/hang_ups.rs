//! SIGHUP, which reloads the keys.

use std::io;

use super::Keys;

#[cfg(unix)]
use std::io::IsTerminal;
#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Listener for SIGHUP. While it exists the signal does not kill the process.
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

    /// Reloads the keys at each signal, again if one arrives during a reload. Ends when the signal
    /// means that the terminal of the process has closed.
    pub async fn reload(mut self, keys: Keys) {
        while self.signals.recv().await.is_some() {
            if self.in_terminal && !io::stderr().is_terminal() {
                return;
            }
            keys.reload().await;
        }
    }
}

/// Placeholder: other systems have no SIGHUP.
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
