//! TCP proxy to a server, to simulate network failures.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// TCP proxy that is closed when dropped.
pub struct TcpProxy {
    address: String,
    state: watch::Sender<State>,
    discarded: watch::Sender<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Whole,
    /// Reads everything, and forwards nothing.
    Silent,
    /// Closes connections, including new ones.
    Closed,
}

impl TcpProxy {
    /// Creates a proxy to `host:port`.
    pub async fn to(address: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (state, states) = watch::channel(State::Whole);
        let (discarded, _) = watch::channel(Vec::new());
        let proxy = Self {
            address: listener.local_addr().unwrap().to_string(),
            state,
            discarded: discarded.clone(),
        };
        let far = address.to_owned();
        tokio::spawn(async move {
            let mut ends = states.clone();
            loop {
                let near = tokio::select! {
                    near = listener.accept() => near.unwrap().0,
                    _ = ends.wait_for(|_| false) => return,
                };
                tokio::spawn(connect(
                    near,
                    far.clone(),
                    states.clone(),
                    discarded.clone(),
                ));
            }
        });
        proxy
    }

    /// Address of the proxy: `127.0.0.1:…`.
    pub fn address(&self) -> &str {
        &self.address
    }

    pub fn close(&self) {
        self.state.send_replace(State::Closed);
    }

    pub fn go_silent(&self) {
        self.state.send_replace(State::Silent);
    }

    /// Waits until it has discarded this text on its way to the server. Other connections may lose
    /// something earlier.
    pub async fn wait_until_discarded(&self, text: &str) {
        let contains = |bytes: &Vec<u8>| bytes.windows(text.len()).any(|it| it == text.as_bytes());
        let _ = self.discarded.subscribe().wait_for(contains).await;
    }

    /// Forwards again. Connections that have lost data are closed.
    pub fn restore(&self) {
        self.state.send_replace(State::Whole);
    }
}

async fn connect(
    near: TcpStream,
    far: String,
    states: watch::Receiver<State>,
    discarded: watch::Sender<Vec<u8>>,
) {
    let mut changes = states.clone();
    if *changes.borrow_and_update() == State::Closed {
        return;
    }
    let Ok(far) = TcpStream::connect(far).await else {
        return;
    };
    let (near, near_end) = near.into_split();
    let (far, far_end) = far.into_split();
    tokio::select! {
        () = copy(near, far_end, states.clone(), Some(&discarded)) => {}
        () = copy(far, near_end, states.clone(), None) => {}
        () = restored(changes.clone()) => {}
        _ = changes.wait_for(|state| *state == State::Closed) => {}
    }
}

/// Resolves when the proxy forwards again after an interruption.
async fn restored(mut states: watch::Receiver<State>) {
    let _ = states.wait_for(|state| *state != State::Whole).await;
    let _ = states.wait_for(|state| *state == State::Whole).await;
}

async fn copy(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    states: watch::Receiver<State>,
    discarded: Option<&watch::Sender<Vec<u8>>>,
) {
    let mut bytes = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let is_whole = *states.borrow() == State::Whole;
        if !is_whole {
            if let Some(discarded) = discarded {
                discarded.send_modify(|all| all.extend(&bytes[..count]));
            }
        } else if to.write_all(&bytes[..count]).await.is_err() {
            return;
        }
    }
}
