//! Key server without a socket.

use std::collections::HashMap;
use std::future::pending;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use http::header::{CACHE_CONTROL, ETAG, HeaderMap, IF_NONE_MATCH};
use http::{Request, Response};
use tokio::time::{Instant, sleep};
use tower_warder::jwks::JwksClient;
use tower_warder::keys::KeyRing;
use tower_warder::{BoxError, async_trait};

use super::key;

/// Key server that records requests and answers as its mood says.
#[derive(Clone)]
pub struct Server(Arc<Mutex<Inner>>);

struct Inner {
    mood: Mood,
    documents: HashMap<String, String>,
    delay: Duration,
    cache_control: Option<&'static str>,
    etags: bool,
    asked: Vec<Asked>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    Publishes,
    Answers(u16),
    Breaks,
    Hangs,
    Panics,
}

#[derive(Clone, Debug)]
pub struct Asked {
    pub url: String,
    pub headers: HeaderMap,
    pub at: Instant,
    pub status: u16,
}

impl Server {
    /// Server that publishes keys with these ids at every URL.
    pub fn publishing<const N: usize>(key_ids: [&str; N]) -> Self {
        let server = Self::saying("");
        server.publish(key_ids);
        server
    }

    pub fn saying(document: &str) -> Self {
        Self(Arc::new(Mutex::new(Inner {
            mood: Mood::Publishes,
            documents: HashMap::from([("".to_owned(), document.to_owned())]),
            delay: Duration::ZERO,
            cache_control: None,
            etags: false,
            asked: Vec::new(),
        })))
    }

    pub fn publish<const N: usize>(&self, key_ids: [&str; N]) {
        let ring = KeyRing::new();
        for key_id in key_ids {
            ring.add(key(key_id).verifying_key()).unwrap();
        }
        self.say(&ring.to_jwks());
    }

    /// Publishes the document at every URL without its own.
    pub fn say(&self, document: &str) {
        self.say_at("", document);
    }

    pub fn say_at(&self, url: &str, document: &str) {
        let mut inner = self.lock();
        inner.documents.insert(url.to_owned(), document.to_owned());
    }

    pub fn is(&self, mood: Mood) {
        self.lock().mood = mood;
    }

    pub fn takes(&self, delay: Duration) {
        self.lock().delay = delay;
    }

    pub fn gives_etags(&self) {
        self.lock().etags = true;
    }

    pub fn controls_caches(&self, cache_control: &'static str) {
        self.lock().cache_control = Some(cache_control);
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.lock().asked.clone()
    }

    pub fn fetches(&self) -> usize {
        self.lock().asked.len()
    }

    /// Returns `true` if a client still holds the server.
    pub fn has_clients(&self) -> bool {
        Arc::strong_count(&self.0) > 1
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    fn answer(&self, request: Request<()>) -> Response<Vec<u8>> {
        let mut inner = self.lock();
        let url = request.uri().to_string();
        let document = inner.documents.get(&url).or(inner.documents.get(""));
        let document = document.unwrap().clone();
        let etag = format!("\"{}\"", document.len());
        let known = request.headers().get(IF_NONE_MATCH);
        let mut response = match inner.mood {
            Mood::Answers(status) => {
                let mut response = Response::new(document.into_bytes());
                *response.status_mut() = status.try_into().unwrap();
                response
            }
            _ if inner.etags && known.is_some_and(|known| *known == *etag) => {
                let mut response = Response::new(Vec::new());
                *response.status_mut() = http::StatusCode::NOT_MODIFIED;
                response
            }
            _ => Response::new(document.into_bytes()),
        };
        if inner.etags {
            response.headers_mut().insert(ETAG, etag.parse().unwrap());
        }
        if let Some(value) = inner.cache_control {
            let value = value.parse().unwrap();
            response.headers_mut().insert(CACHE_CONTROL, value);
        }
        inner.asked.push(Asked {
            url,
            headers: request.headers().clone(),
            at: Instant::now(),
            status: response.status().as_u16(),
        });
        response
    }
}

#[async_trait]
impl JwksClient for Server {
    async fn get(&self, request: Request<()>, _: usize) -> Result<Response<Vec<u8>>, BoxError> {
        let delay = self.lock().delay;
        let answer = self.answer(request);
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let mood = self.lock().mood;
        match mood {
            Mood::Publishes | Mood::Answers(_) => Ok(answer),
            Mood::Breaks => Err("keys.internal does not answer".into()),
            Mood::Hangs => pending().await,
            Mood::Panics => panic!("a broken client"),
        }
    }
}
