//! The example `cookie`, without a socket.

use axum::body::Body;
use http::Request;
use tower_warder::{HmacSecret, JwtIssuer};
use tower_warder_accounts::{
    Accounts, Email, InMemoryAccountStore, InMemorySessionStore, Password, Sessions, UserCreate,
};

use crate::support::{get, send};

#[allow(dead_code)]
#[path = "../../examples/cookie.rs"]
mod example;

#[tokio::test]
async fn browser_stays_logged_in_and_csrf_is_rejected() {
    let secret = HmacSecret::generate();
    let accounts = Accounts::new(InMemoryAccountStore::new(), JwtIssuer::hs256(&secret))
        .sessions(Sessions::new(InMemorySessionStore::new()));
    let email = Email::new("ada@example.com").unwrap();
    let ada = UserCreate::new(email, Password::new("correct horse").unwrap());
    accounts.register(ada).await.unwrap();
    let app = example::app(accounts, &secret, example::cookie().unwrap());
    assert!(send(&app, get("/")).await.body.contains("anonymous"));

    let form = "username=ada@example.com&password=correct+horse";
    let login = Request::post("/auth/cookie/login")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::from(form))
        .unwrap();
    let login = send(&app, login).await;
    assert_eq!(login.status, 200);
    let cookie = login
        .header("set-cookie")
        .unwrap()
        .split(';')
        .next()
        .unwrap();

    let mut home = get("/");
    home.headers_mut().insert("cookie", cookie.parse().unwrap());
    assert!(send(&app, home).await.body.contains("ada@example.com"));

    for (origin, status) in [
        ("http://localhost:3000", 201),
        ("https://evil.example", 403),
    ] {
        let note = Request::post("/note")
            .header("host", "localhost:3000")
            .header("origin", origin)
            .header("cookie", cookie);
        let answer = send(&app, note.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status, "{origin}");
    }

    // A cookie of another secret: the page still has its form, and a guarded route clears the cookie.
    let invalid = JwtIssuer::hs256(&HmacSecret::generate())
        .issue("1")
        .unwrap();
    let invalid = format!("session={invalid}");
    let mut home = get("/");
    home.headers_mut()
        .insert("cookie", invalid.parse().unwrap());
    assert!(send(&app, home).await.body.contains("anonymous"));
    let note = Request::post("/note").header("cookie", invalid);
    let note = send(&app, note.body(Body::empty()).unwrap()).await;
    assert_eq!(note.status, 401);
    assert_eq!(note.header("set-cookie"), Some(CLEARED));

    let logout = Request::post("/auth/cookie/logout").header("cookie", cookie);
    let logout = send(&app, logout.body(Body::empty()).unwrap()).await;
    assert_eq!(logout.header("set-cookie"), Some(CLEARED));
    // A copy of the cookie is worthless.
    let note = Request::post("/note").header("cookie", cookie);
    assert_eq!(
        send(&app, note.body(Body::empty()).unwrap()).await.status,
        401
    );
}

const CLEARED: &str = "session=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax";
