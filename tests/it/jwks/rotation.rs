//! The example `jwks`, without sockets.

use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, Response};
use tokio::time::{Instant, sleep};
use tower_warder::jwks::JwksClient;
use tower_warder::{BoxError, async_trait};

use crate::support::{get, get_with, send};

#[allow(dead_code)]
#[path = "../../../examples/jwks.rs"]
mod example;

#[tokio::test(start_paused = true)]
async fn key_rotation_rejects_no_valid_token() {
    let login_app = example::login_app().unwrap();
    let keys = example::keys().client(Direct(login_app.clone()));
    let orders_app = example::orders_app(&keys.await.unwrap());
    let status = async |token: &str| {
        let answer = send(&orders_app, get_with("/orders", token)).await;
        answer.status.as_u16()
    };
    let old = post(&login_app, "/login").await.1;
    assert_eq!(status(&old).await, 200);
    assert_eq!(send(&orders_app, get("/orders")).await.status, 401);

    assert_eq!(post(&login_app, "/rotate/2").await.0, 202);
    assert_eq!(post(&login_app, "/rotate/2").await.0, 409);
    let mut tokens = vec![old];
    for _ in 0..60 {
        tokens.push(post(&login_app, "/login").await.1);
        for token in &tokens {
            assert_eq!(status(token).await, 200, "{}", tokens.len());
        }
        sleep(example::MAX_AGE / 10).await;
    }
    let key_ids = tokens.iter().map(|token| token.split_once('.').unwrap().0);
    let mut headers: Vec<_> = key_ids.collect();
    headers.dedup();
    assert_eq!(headers.len(), 2, "one key after the other");

    // The tokens have not expired: the clock of the verifier is not paused.
    sleep(example::LIFETIME + example::MAX_AGE * 3).await;
    assert_eq!(status(&tokens[0]).await, 401, "its key is gone");
    assert_eq!(status(&tokens[60]).await, 200);
}

#[tokio::test(start_paused = true)]
async fn overlapping_rotations_keep_the_signing_key() {
    let login_app = example::login_app().unwrap();
    let keys = example::keys().client(Direct(login_app.clone()));
    let orders_app = example::orders_app(&keys.await.unwrap());
    assert_eq!(post(&login_app, "/rotate/2").await.0, 202);
    sleep(example::LIFETIME / 2).await;
    assert_eq!(post(&login_app, "/rotate/3").await.0, 202);
    sleep(example::MAX_AGE * 2).await;
    let earlier = post(&login_app, "/login").await.1;
    // Until both rotations have removed the earlier keys.
    let end = Instant::now() + example::LIFETIME + example::MAX_AGE;
    while Instant::now() < end {
        let now = post(&login_app, "/login").await.1;
        for token in [&earlier, &now] {
            let answer = send(&orders_app, get_with("/orders", token)).await;
            assert_eq!(answer.status, 200);
        }
        sleep(example::MAX_AGE).await;
    }
    let published = send(&login_app, get("/.well-known/jwks.json")).await.json();
    assert_eq!(published["keys"].as_array().unwrap().len(), 1);
    assert_eq!(published["keys"][0]["kid"], "3");
}

/// Client that fetches the keys directly from the router.
struct Direct(Router);

#[async_trait]
impl JwksClient for Direct {
    async fn get(&self, request: Request<()>, _: usize) -> Result<Response<Vec<u8>>, BoxError> {
        let mut answer = send(&self.0, request.map(|()| Body::empty())).await;
        sleep(Duration::from_millis(20)).await;
        let mut response = Response::new(answer.body.into_bytes());
        *response.status_mut() = answer.status;
        *response.headers_mut() = std::mem::take(&mut answer.headers);
        Ok(response)
    }
}

async fn post(app: &Router, path: &str) -> (u16, String) {
    let request = Request::builder().method(Method::POST).uri(path);
    let answer = send(app, request.body(Body::empty()).unwrap()).await;
    (answer.status.as_u16(), answer.body)
}
