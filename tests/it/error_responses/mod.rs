//! Table of error responses: request in; status, challenge, `detail` and `code` out, the same from
//! extractors and layers. A new rule is a new row.

mod server;
mod sources;

use std::time::{Duration, SystemTime};

use http::{Method, Version};
use tower_warder::error::AuthErrorKind;
use tower_warder::testing::{self, FixedClock};
use tower_warder::{AuthError, HmacSecret, JwtIssuer};

use self::server::{Guard, Line, Server, request, through_extractor, through_layer};
use crate::support::{Answer, Store, layer};

/// Name of the case, server, guard, request headers and expected answer.
struct Row(&'static str, Server, Guard, Vec<Line>, Expect);

#[derive(Clone, Copy)]
struct Expect {
    status: u16,
    challenge: Option<&'static str>,
    detail: &'static str,
    code: &'static str,
    grpc_status: &'static str,
    set_cookie: Option<&'static str>,
}

// One line per row.
#[rustfmt::skip]
fn rows() -> Vec<Row> {
    use Guard::{Admin, Recent, Staff, User, Verified};
    use Server::{Disclosing, Down, Plain, Realm, WithoutLayer};

    let token = |subject: &str| bearer(&testing::token(subject));
    let none = Vec::new;
    let one = |line: &[u8]| vec![(AUTHORIZATION, line.to_vec())];
    let jane = || token("jane");
    let two = |first: &[u8], second: &[u8]| [one(first), one(second)].concat();
    let anonymous = expect(401, Some(BARE), "Not authenticated", "not_authenticated", "16");
    let rejected = expect(401, Some(INVALID_TOKEN), REJECTED, "invalid_token", "16");
    let twice = expect(400, Some(INVALID_REQUEST), TWICE, "invalid_request", "16");
    let admins = expect(403, Some(SCOPE), "Admin access required", "forbidden", "7");
    let staff = expect(403, Some(SCOPE), "Only for staff: 100 %", "forbidden", "7");
    let unverified = expect(403, Some(SCOPE), "Verify your e-mail address first", "email_not_verified", "7");
    let login = expect(401, Some(LOGIN), "A more recent log-in is required", "insufficient_user_authentication", "16");
    let pending = expect(403, None, "Account pending approval", "account_pending", "7");
    let disabled = expect(403, None, "Account disabled", "account_disabled", "7");
    let down = expect(503, None, DOWN, "unavailable", "14");
    let wrong = expect(500, None, "Authentication is misconfigured", "misconfigured", "13");
    let in_shop = |answer: Expect, challenge| Expect { challenge: Some(challenge), ..answer };

    vec![
        Row("no credential", Plain, User, none(), anonymous),
        Row("no credential for an admin", Plain, Admin, none(), anonymous),
        Row("another scheme", Plain, User, one(b"Basic amFuZTpwdw=="), anonymous),
        Row("an empty value", Plain, User, one(b""), anonymous),
        Row("no scheme", Plain, User, one(b"abc"), anonymous),
        Row("a scheme that begins like ours", Plain, User, one(b"BearerX abc"), anonymous),
        Row("no token", Plain, User, one(b"Bearer"), rejected),
        Row("a blank token", Plain, User, one(b"Bearer "), rejected),
        Row("no token at all in it", Plain, User, one(b"Bearer abc"), rejected),
        Row("two tokens in one line", Plain, User, one(b"Bearer a.b.c d.e.f"), rejected),
        Row("a comma", Plain, User, one(b"Bearer a.b.c, Basic abc"), rejected),
        Row("a quoted token", Plain, User, one(b"Bearer \"a.b.c\""), rejected),
        Row("a tab", Plain, User, one(b"Bearer\ta.b.c"), rejected),
        Row("a byte that is not ASCII", Plain, User, one(b"Bearer \xff"), rejected),
        Row("not ASCII in another scheme", Plain, User, one(b"B\xe4sic abc"), rejected),
        Row("another signature", Plain, User, forged(), rejected),
        Row("an expired token", Plain, User, expired(), rejected),
        Row("an earlier generation", Plain, User, later_generation(), rejected),
        Row("an unknown subject", Plain, User, token("nobody"), rejected),
        Row("a pending account", Plain, User, token("paul"), rejected),
        Row("a pending admin", Plain, Admin, token("paul"), rejected),
        Row("a disabled account", Plain, User, token("dora"), rejected),
        Row("a disabled admin", Plain, Admin, token("dora"), rejected),
        Row("a pending account, disclosed", Disclosing, User, token("paul"), pending),
        Row("a pending admin, disclosed", Disclosing, Admin, token("paul"), pending),
        Row("a disabled account, disclosed", Disclosing, User, token("dora"), disabled),
        Row("a bad token, disclosed", Disclosing, User, forged(), rejected),
        Row("no admin, disclosed", Disclosing, Admin, jane(), admins),
        Row("two tokens", Plain, User, [jane(), jane()].concat(), twice),
        Row("another scheme first", Plain, User, [one(b"Basic a"), jane()].concat(), twice),
        Row("two empty lines", Plain, User, two(b"", b""), twice),
        Row("not ASCII twice", Plain, User, two(b"\xff", b"\xff"), twice),
        Row("no admin", Plain, Admin, jane(), admins),
        Row("a policy's own text", Plain, Staff, jane(), staff),
        Row("an address that is not verified", Plain, Verified, jane(), unverified),
        Row("an admin's address that is not verified", Plain, Verified, token("root"), unverified),
        Row("a realm and an address that is not verified", Realm, Verified, jane(), in_shop(unverified, SHOP_SCOPE)),
        Row("no credential for a verified address", Plain, Verified, none(), anonymous),
        Row("a disabled account with a verified address", Plain, Verified, token("disabled vera"), rejected),
        Row("an old log-in", Plain, Recent, bearer(&logged_in(1000)), login),
        Row("a log-in in the future", Plain, Recent, bearer(&logged_in(-100)), login),
        Row("no time of the log-in", Plain, Recent, jane(), login),
        Row("a realm and an old log-in", Realm, Recent, bearer(&logged_in(1000)), in_shop(login, SHOP_LOGIN)),
        Row("an old log-in, disclosed", Disclosing, Recent, bearer(&logged_in(1000)), login),
        Row("no credential for a recent log-in", Plain, Recent, none(), anonymous),
        Row("a disabled account with a recent log-in", Plain, Recent, token("dora"), rejected),
        Row("the store is down", Down, User, jane(), down),
        Row("no credential while the store is down", Down, User, none(), anonymous),
        Row("a bad token while the store is down", Down, Admin, forged(), rejected),
        Row("a realm", Realm, User, none(), in_shop(anonymous, r#"Bearer realm="the shop""#)),
        Row("a realm and a bad token", Realm, User, forged(), in_shop(rejected, SHOP_TOKEN)),
        Row("a realm and two tokens", Realm, User, two(b"a", b"b"), in_shop(twice, SHOP_REQUEST)),
        Row("a realm and no admin", Realm, Admin, jane(), in_shop(admins, SHOP_SCOPE)),
        Row("a realm and a pending account", Realm, User, token("paul"), in_shop(rejected, SHOP_TOKEN)),
        Row("no layer", WithoutLayer, User, jane(), wrong),
        Row("no layer and no credential", WithoutLayer, Admin, none(), wrong),
    ]
}

/// Sends every row to the extractors and to the layers.
#[cfg(feature = "metrics")]
pub async fn send_every_row() {
    for row in all_rows() {
        row.at_extractor(None).await;
        row.at_layer(None).await;
    }
}

fn all_rows() -> impl Iterator<Item = Row> {
    rows().into_iter().chain(sources::rows())
}

#[tokio::test]
async fn extractors_answer_every_row() {
    for row in all_rows() {
        let answer = row.at_extractor(None).await;
        row.check(&answer, "extractor");
    }
}

#[tokio::test]
async fn layer_answers_every_row() {
    for row in all_rows() {
        let answer = row.at_layer(None).await;
        row.check(&answer, "layer");
    }
}

#[tokio::test]
async fn every_row_has_a_grpc_form() {
    for row in all_rows() {
        for content_type in ["application/grpc", "application/grpc+proto"] {
            row.check_grpc(&row.at_extractor(Some(content_type)).await);
            row.check_grpc(&row.at_layer(Some(content_type)).await);
        }
    }
}

#[tokio::test]
async fn guard_admits_authorized_users() {
    let by_header = [
        (Guard::User, "jane"),
        (Guard::User, "root"),
        (Guard::Admin, "root"),
        (Guard::Verified, "vera"),
    ];
    let by_header =
        by_header.map(|(guard, subject)| (Server::Plain, guard, bearer(&testing::token(subject))));
    let recent = [(Server::Plain, Guard::Recent, bearer(&logged_in(800)))];
    let good = by_header.into_iter().chain(recent).chain(sources::good());
    for (server, guard, lines) in good {
        let expect = expect(200, None, "", "", "");
        let row = Row("good", server, guard, lines, expect);
        for answer in [row.at_extractor(None).await, row.at_layer(None).await] {
            let seen = (answer.status.as_u16(), answer.body.as_str());
            assert_eq!(seen, (200, "in"), "{:?}", row.3);
            assert_eq!(answer.header("www-authenticate"), None);
            assert_eq!(answer.header("set-cookie"), None);
            assert!(answer.extensions.get::<AuthError>().is_none());
        }
    }
}

#[tokio::test]
async fn other_content_types_are_not_grpc() {
    let row = rows().swap_remove(0);
    for content_type in [
        "application/json",
        "text/application/grpc",
        "application/grpcfoo",
        "application/grpc-web",
        "",
    ] {
        row.check(&row.at_layer(Some(content_type)).await, content_type);
    }
}

// A forward-auth proxy passes on the client's headers and takes status 200 as authorized.
#[tokio::test]
async fn only_post_over_http_2_is_grpc() {
    let Row(situation, server, guard, lines, expect) = rows().swap_remove(0);
    let row = Row(situation, server, guard, lines.clone(), expect);
    let mut get = request(guard, &lines, Some("application/grpc"));
    *get.method_mut() = Method::GET;
    let mut http_1 = request(guard, &lines, Some("application/grpc"));
    *http_1.version_mut() = Version::HTTP_11;
    row.check(&through_extractor(server, http_1).await, "HTTP/1.1");
    row.check(&through_layer(server, guard, get).await, "GET");
}

#[test]
fn unquotable_realm_is_rejected() {
    for realm in ["a\"b", "a\\b", "a\r\nSet-Cookie: a=b", "café", "\t"] {
        assert!(layer(&Store::new()).realm(realm).is_err(), "{realm:?}");
    }
}

impl Row {
    async fn at_extractor(&self, content_type: Option<&str>) -> Answer {
        let Self(_, server, guard, lines, _) = self;
        through_extractor(*server, request(*guard, lines, content_type)).await
    }

    async fn at_layer(&self, content_type: Option<&str>) -> Answer {
        let Self(_, server, guard, lines, _) = self;
        through_layer(*server, *guard, request(*guard, lines, content_type)).await
    }

    fn check(&self, answer: &Answer, guard: &str) {
        let Self(situation, .., expect) = self;
        let place = format!("{situation}, {guard}");
        assert_eq!(answer.status.as_u16(), expect.status, "{place}");
        self.check_headers(answer, &place);
        assert_eq!(
            answer.header("content-type"),
            Some("application/problem+json"),
            "{place}"
        );
        let expected = serde_json::json!({
            "type": "about:blank",
            "title": answer.status.canonical_reason(),
            "status": expect.status,
            "detail": expect.detail,
            "code": expect.code,
        });
        assert_eq!(answer.json(), expected, "{place}");
    }

    fn check_grpc(&self, answer: &Answer) {
        let Self(situation, .., expect) = self;
        assert_eq!(answer.status.as_u16(), 200, "{situation}");
        self.check_headers(answer, situation);
        assert_eq!(
            answer.header("content-type"),
            Some("application/grpc"),
            "{situation}"
        );
        assert_eq!(
            answer.header("grpc-status"),
            Some(expect.grpc_status),
            "{situation}"
        );
        let message = expect.detail.replace('%', "%25");
        assert_eq!(
            answer.header("grpc-message"),
            Some(&*message),
            "{situation}"
        );
        assert_eq!(answer.body, "", "{situation}");
    }

    fn check_headers(&self, answer: &Answer, place: &str) {
        let Self(.., expect) = self;
        let challenges: Vec<_> = answer.headers.get_all("www-authenticate").iter().collect();
        assert_eq!(
            challenges,
            Vec::from_iter(expect.challenge.as_ref()),
            "{place}"
        );
        assert_eq!(answer.header("set-cookie"), expect.set_cookie, "{place}");
        let down = expect.code == "unavailable";
        assert_eq!(answer.header("retry-after"), down.then_some("1"), "{place}");
        let error = answer.extensions.get::<AuthError>().expect(place);
        assert_eq!(error.code(), expect.code, "{place}");
        assert_eq!(error.status().as_u16(), expect.status, "{place}");
        assert_eq!(error.kind() == AuthErrorKind::Unavailable, down, "{place}");
        assert_eq!(
            error.clears_cookie(),
            expect.set_cookie.is_some(),
            "{place}"
        );
    }
}

const fn expect(
    status: u16,
    challenge: Option<&'static str>,
    detail: &'static str,
    code: &'static str,
    grpc_status: &'static str,
) -> Expect {
    Expect {
        status,
        challenge,
        detail,
        code,
        grpc_status,
        set_cookie: None,
    }
}

fn bearer(token: &str) -> Vec<Line> {
    vec![(AUTHORIZATION, format!("Bearer {token}").into_bytes())]
}

fn forged() -> Vec<Line> {
    bearer(&foreign())
}

fn foreign() -> String {
    let issuer = JwtIssuer::hs256(&HmacSecret::generate());
    issuer.issue("root").unwrap()
}

fn expired() -> Vec<Line> {
    let issuer = testing::issuer().clock(FixedClock::at(std::time::UNIX_EPOCH).clock());
    bearer(&issuer.issue("root").unwrap())
}

/// Token of a log-in so many seconds ago.
fn logged_in(age: i64) -> String {
    let (past, age) = (age >= 0, Duration::from_secs(age.unsigned_abs()));
    let now = SystemTime::now();
    let login = if past { now - age } else { now + age };
    let issuer = testing::issuer();
    issuer.token("jane").auth_time(login).issue().unwrap()
}

fn later_generation() -> Vec<Line> {
    bearer(&testing::token("generation"))
}

const AUTHORIZATION: &str = "authorization";
const BARE: &str = r#"Bearer realm="api""#;
const INVALID_TOKEN: &str = r#"Bearer realm="api", error="invalid_token""#;
const INVALID_REQUEST: &str = r#"Bearer realm="api", error="invalid_request""#;
const SCOPE: &str = r#"Bearer realm="api", error="insufficient_scope""#;
const LOGIN: &str =
    r#"Bearer realm="api", error="insufficient_user_authentication", max_age="900""#;
const SHOP_LOGIN: &str =
    r#"Bearer realm="the shop", error="insufficient_user_authentication", max_age="900""#;
const SHOP_TOKEN: &str = r#"Bearer realm="the shop", error="invalid_token""#;
const SHOP_REQUEST: &str = r#"Bearer realm="the shop", error="invalid_request""#;
const SHOP_SCOPE: &str = r#"Bearer realm="the shop", error="insufficient_scope""#;
const CLEARED: &str = "__Host-id=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax; Secure";
const REJECTED: &str = "Could not validate credentials";
const TWICE: &str = "Exactly one credential is accepted";
const DOWN: &str = "Authentication is temporarily unavailable";
