//! Rows for the credential sources other than `Authorization`.

use tower_warder::testing;

use super::server::{Guard, Line, NAMED, QUERY, Server};
use super::{
    AUTHORIZATION, BARE, CLEARED, DOWN, Expect, INVALID_REQUEST, INVALID_TOKEN, LOGIN, REJECTED,
    Row, SCOPE, TWICE, bearer, expect, expired, foreign, forged, later_generation, logged_in,
};

// One line per row.
#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    use Guard::{Admin, Recent, User};
    use Server::{Cookie, CookieDisclosing, CookieDown, Elsewhere, Everything, Named, OnlyCookie, OnlyNamed, Plain};

    let one = |line: &[u8]| vec![(AUTHORIZATION, line.to_vec())];
    let two = |first: &[u8], second: &[u8]| [one(first), one(second)].concat();
    let jane = || bearer(&testing::token("jane"));
    let cookie = |subject: &str| kept(&testing::token(subject));
    let query = |subject: &str| asked(&testing::token(subject));
    let offer = |subject: &str| offered(&testing::token(subject));
    let name = |subject: &str| header(NAMED, &testing::token(subject));
    let cross_site = || header("sec-fetch-site", "cross-site");
    let anonymous = expect(401, Some(BARE), "Not authenticated", "not_authenticated", "16");
    let rejected = expect(401, Some(INVALID_TOKEN), REJECTED, "invalid_token", "16");
    let twice = expect(400, Some(INVALID_REQUEST), TWICE, "invalid_request", "16");
    let admins = expect(403, Some(SCOPE), "Admin access required", "forbidden", "7");
    let login = expect(401, Some(LOGIN), "A more recent log-in is required", "insufficient_user_authentication", "16");
    let elsewhere = expect(403, None, "Cross-origin request refused", "cross_origin", "7");
    let pending = expect(403, None, "Account pending approval", "account_pending", "7");
    let disabled = expect(403, None, "Account disabled", "account_disabled", "7");
    let down = expect(503, None, DOWN, "unavailable", "14");
    let cleared = |answer: Expect| Expect { set_cookie: Some(CLEARED), ..answer };

    vec![
        Row("a cookie without a cookie source", Plain, User, cookie("jane"), anonymous),
        Row("a query without a query source", Plain, User, query("jane"), anonymous),
        Row("a subprotocol without its source", Plain, User, offer("jane"), anonymous),
        Row("another cookie", Cookie, User, header("cookie", "id=a.b.c; a=b"), anonymous),
        Row("an empty cookie", Cookie, User, kept(""), cleared(rejected)),
        Row("no token in the cookie", Cookie, User, kept("abc"), cleared(rejected)),
        Row("a quoted cookie", Cookie, User, kept("\"a.b.c\""), cleared(rejected)),
        Row("a forged cookie", Cookie, User, kept(&foreign()), cleared(rejected)),
        Row("the cookie of a disabled account", Cookie, User, cookie("dora"), cleared(rejected)),
        Row("the cookie of no admin", Cookie, Admin, cookie("jane"), admins),
        Row("the cookie of an old log-in", Cookie, Recent, kept(&logged_in(1000)), login),
        Row("the cookie twice", Cookie, User, [cookie("jane"), cookie("jane")].concat(), cleared(rejected)),
        Row("the cookie twice in one line", Cookie, User, header("cookie", "__Host-id=a; __Host-id=a"), cleared(rejected)),
        Row("the cookie twice from another site", Cookie, User, [cookie("jane"), cookie("jane"), cross_site()].concat(), elsewhere),
        Row("the cookie twice beside a bad token", Cookie, User, [one(b"Bearer a"), kept("a"), kept("b")].concat(), rejected),
        Row("an expired cookie", Cookie, User, as_cookie(expired()), cleared(rejected)),
        Row("an expired cookie where only that is read", OnlyCookie, User, as_cookie(expired()), cleared(rejected)),
        Row("an expired cookie beside another scheme", Cookie, User, [one(b"Negotiate YTpi"), as_cookie(expired())].concat(), cleared(rejected)),
        Row("a cookie of an earlier generation", Cookie, User, as_cookie(later_generation()), cleared(rejected)),
        Row("the cookie of an unknown subject", Cookie, Admin, cookie("nobody"), cleared(rejected)),
        Row("the cookie of a pending account", Cookie, User, cookie("paul"), cleared(rejected)),
        Row("the cookie of a pending account, disclosed", CookieDisclosing, User, cookie("paul"), cleared(pending)),
        Row("the cookie of a disabled account, disclosed", CookieDisclosing, User, cookie("dora"), cleared(disabled)),
        Row("the cookie of no admin, disclosed", CookieDisclosing, Admin, cookie("jane"), admins),
        Row("the cookie while the store is down", CookieDown, User, cookie("jane"), down),
        Row("an expired cookie while the store is down", CookieDown, User, as_cookie(expired()), cleared(rejected)),
        Row("a bad token beside nothing where the cookie is read", Cookie, User, forged(), rejected),
        Row("a cookie beside another scheme", Cookie, User, [one(b"Basic a"), cookie("dora")].concat(), cleared(rejected)),
        Row("another scheme where the cookie is read", Cookie, User, one(b"Basic a"), anonymous),
        Row("a cookie beside a value that is not ASCII", Cookie, User, [one(b"\xff"), cookie("jane")].concat(), rejected),
        Row("a cookie beside an empty token", Cookie, User, [one(b"Bearer"), cookie("jane")].concat(), rejected),
        Row("a cookie beside two other schemes", Cookie, User, [two(b"Basic a", b"Negotiate b"), cookie("jane")].concat(), twice),
        Row("a cookie beside a bad token", Cookie, User, [one(b"Bearer a"), cookie("jane")].concat(), rejected),
        Row("a cookie beside two headers", Cookie, User, [two(b"a", b"b"), cookie("jane")].concat(), twice),
        Row("a token where only the cookie is read", OnlyCookie, User, jane(), anonymous),
        Row("the cookie beside such a token", OnlyCookie, User, [jane(), cookie("jane")].concat(), anonymous),
        Row("two headers where only the cookie is read", OnlyCookie, User, two(b"a", b"b"), twice),
        Row("the cookie from another site", Cookie, User, [cookie("jane"), cross_site()].concat(), elsewhere),
        Row("the cookie from the same site", Cookie, User, [cookie("jane"), header("sec-fetch-site", "same-site")].concat(), elsewhere),
        Row("the cookie from another origin", OnlyCookie, Admin, [cookie("root"), header("origin", "https://evil.example")].concat(), elsewhere),
        Row("the cookie from no origin", Cookie, User, [cookie("jane"), header("origin", "null")].concat(), elsewhere),
        Row("the cookie from the same host on another port", Cookie, User, [cookie("jane"), header("host", "shop.example:444"), header("origin", "https://shop.example")].concat(), elsewhere),
        Row("the cookie from the port of the other scheme", Cookie, User, [cookie("jane"), header("host", "shop.example:80"), header("origin", "https://shop.example")].concat(), elsewhere),
        Row("a bad cookie from another site", Cookie, User, [kept("abc"), cross_site()].concat(), elsewhere),
        Row("no cookie from another site", Cookie, User, cross_site(), anonymous),
        Row("a bad token from another site", Cookie, User, [forged(), cross_site()].concat(), rejected),
        Row("a query on another path", Elsewhere, User, query("jane"), anonymous),
        Row("a subprotocol on another path", Elsewhere, User, offer("jane"), anonymous),
        Row("another parameter", Everything, User, header(QUERY, "access_token=a.b.c"), anonymous),
        Row("an empty query token", Everything, User, asked(""), rejected),
        Row("no token in the query", Everything, User, asked("abc"), rejected),
        Row("a query token that is not UTF-8", Everything, User, asked("%FF"), rejected),
        Row("a query token with half an escape", Everything, User, asked("a%2"), rejected),
        Row("a forged query token", Everything, User, asked(&foreign()), rejected),
        Row("the query token of a pending account", Everything, User, query("paul"), rejected),
        Row("the query token of no admin", Everything, Admin, query("jane"), admins),
        Row("two query tokens", Everything, User, asked("a&token=b"), twice),
        Row("header and query", Everything, User, [jane(), query("jane")].concat(), twice),
        Row("another scheme and a bad query token", Everything, User, [one(b"Basic a"), asked("a")].concat(), rejected),
        Row("two other schemes and query", Everything, User, [two(b"Basic a", b"Basic a"), query("jane")].concat(), twice),
        Row("a bad query token beside a cookie", Everything, User, [asked("a"), cookie("jane")].concat(), rejected),
        Row("another subprotocol", Everything, User, header(SUBPROTOCOL, "chat, a.b.c"), anonymous),
        Row("a subprotocol without a token", Everything, User, header(SUBPROTOCOL, "bearer"), rejected),
        Row("no token in the subprotocol", Everything, User, offered("abc"), rejected),
        Row("a forged subprotocol", Everything, User, offered(&foreign()), rejected),
        Row("the subprotocol of a disabled account", Everything, User, offer("dora"), rejected),
        Row("two subprotocols with tokens", Everything, User, [offer("jane"), offer("jane")].concat(), twice),
        Row("header and subprotocol", Everything, User, [jane(), offer("jane")].concat(), twice),
        Row("query and subprotocol", Everything, User, [query("jane"), offer("jane")].concat(), twice),
        Row("a named header without its source", Plain, User, name("jane"), anonymous),
        Row("an empty named header", OnlyNamed, User, header(NAMED, ""), anonymous),
        Row("no token in the named header", OnlyNamed, User, header(NAMED, "abc"), rejected),
        Row("a scheme in the named header", OnlyNamed, User, header(NAMED, "Bearer a.b.c"), rejected),
        Row("two tokens in the named header", OnlyNamed, User, header(NAMED, "a.b.c, d.e.f"), rejected),
        Row("a forged named header", OnlyNamed, User, header(NAMED, &foreign()), rejected),
        Row("the named header of a disabled account", OnlyNamed, User, name("dora"), rejected),
        Row("the named header of no admin", OnlyNamed, Admin, name("jane"), admins),
        Row("the named header twice", OnlyNamed, User, [name("jane"), name("jane")].concat(), twice),
        Row("a token where only the named header is read", OnlyNamed, User, jane(), anonymous),
        Row("two headers where only the named one is read", OnlyNamed, User, [two(b"a", b"b"), name("jane")].concat(), twice),
        Row("the named header from another site", OnlyNamed, User, [name("jane"), cross_site()].concat(), elsewhere),
        Row("the named header from another origin", Named, User, [name("jane"), header("origin", "https://evil.example")].concat(), elsewhere),
        Row("an empty named header from another site", Named, User, [header(NAMED, ""), cross_site()].concat(), anonymous),
        Row("both headers", Named, User, [jane(), name("jane")].concat(), twice),
        Row("both headers, one bad", Named, User, [one(b"Bearer"), name("jane")].concat(), twice),
        Row("named header and query", Everything, User, [name("jane"), query("jane")].concat(), twice),
        Row("named header and subprotocol", Everything, User, [name("jane"), offer("jane")].concat(), twice),
        Row("a bad named header beside a cookie", Everything, User, [header(NAMED, "a"), cookie("jane")].concat(), rejected),
    ]
}

/// Requests that are authorized.
#[rustfmt::skip]
pub fn good() -> Vec<(Server, Guard, Vec<Line>)> {
    use Server::{Cookie, Elsewhere, Everything, Named, OnlyCookie, OnlyNamed, Plain};

    let token = |subject| bearer(&testing::token(subject));
    let cookie = |subject| kept(&testing::token(subject));
    let query = |subject| asked(&testing::token(subject));
    let offer = |subject| offered(&testing::token(subject));
    let name = |subject| header(NAMED, &testing::token(subject));
    let with = |name, value, lines| [lines, header(name, value)].concat();
    let at = |host, origin, lines| with("host", host, with("origin", origin, lines));
    let scheme = |value| header(AUTHORIZATION, value);

    vec![
        (Plain, Guard::User, [token("jane"), kept("a"), asked("a"), offered("a")].concat()),
        (Cookie, Guard::User, token("jane")),
        (Cookie, Guard::User, with("sec-fetch-site", "cross-site", token("jane"))),
        (Cookie, Guard::User, [token("jane"), kept("a"), kept("b")].concat()),
        (Cookie, Guard::User, cookie("jane")),
        (Cookie, Guard::Admin, cookie("root")),
        (Cookie, Guard::User, with("sec-fetch-site", "same-origin", cookie("jane"))),
        (Cookie, Guard::User, with("origin", "https://app.example", cookie("jane"))),
        // A sibling domain can set the name without the prefix.
        (Cookie, Guard::User, [header("cookie", "id=a.b.c"), cookie("jane"), header("cookie", "id=d")].concat()),
        (Cookie, Guard::User, at("shop.example:443", "https://shop.example", cookie("jane"))),
        (Cookie, Guard::User, at("localhost:80", "http://localhost", cookie("jane"))),
        (Cookie, Guard::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (Cookie, Guard::Admin, [scheme("Negotiate YIIabc=="), cookie("root")].concat()),
        (Cookie, Guard::User, [scheme("Digest username=\"a\", qop=auth"), cookie("jane")].concat()),
        (Cookie, Guard::User, [scheme("NTLM TlRMTVNTUAAB"), cookie("jane")].concat()),
        (Cookie, Guard::User, [scheme("BearerX a"), cookie("jane")].concat()),
        (Cookie, Guard::User, [scheme(""), cookie("jane")].concat()),
        (OnlyCookie, Guard::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (OnlyCookie, Guard::User, cookie("jane")),
        (Everything, Guard::User, token("jane")),
        (Everything, Guard::User, cookie("jane")),
        (Everything, Guard::User, query("jane")),
        (Everything, Guard::Admin, query("root")),
        (Everything, Guard::User, [query("jane"), kept("a")].concat()),
        (Everything, Guard::User, offer("jane")),
        (Everything, Guard::User, [offer("jane"), kept("a")].concat()),
        (Everything, Guard::User, with("sec-fetch-site", "cross-site", offer("jane"))),
        (Everything, Guard::User, [scheme("Basic YTpi"), query("jane")].concat()),
        (Everything, Guard::User, [scheme("Basic YTpi"), offer("jane")].concat()),
        (Everything, Guard::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (Everything, Guard::User, name("jane")),
        (Everything, Guard::User, [header(NAMED, ""), token("jane")].concat()),
        (Elsewhere, Guard::User, [token("jane"), asked("a"), offered("a")].concat()),
        (OnlyNamed, Guard::User, name("jane")),
        (OnlyNamed, Guard::Admin, [scheme("Basic YTpi"), name("root")].concat()),
        // `Authorization` is not read: it may belong to another system.
        (OnlyNamed, Guard::User, [token("nobody"), name("jane")].concat()),
        (OnlyNamed, Guard::User, with("sec-fetch-site", "same-origin", name("jane"))),
        (OnlyNamed, Guard::User, with("origin", "https://app.example", name("jane"))),
        (OnlyNamed, Guard::User, at("shop.example:80", "http://shop.example", name("jane"))),
        (Named, Guard::User, token("jane")),
        (Named, Guard::User, name("jane")),
        (Named, Guard::User, [name("jane"), kept("a")].concat()),
    ]
}

fn header(name: &'static str, value: &str) -> Vec<Line> {
    vec![(name, value.as_bytes().to_vec())]
}

fn kept(token: &str) -> Vec<Line> {
    let pair = format!("__Host-id={token}");
    vec![("cookie", pair.into_bytes())]
}

/// Moves the token of the header into the cookie.
fn as_cookie(lines: Vec<Line>) -> Vec<Line> {
    let bearer = String::from_utf8(lines.into_iter().next().unwrap().1).unwrap();
    kept(bearer.strip_prefix("Bearer ").unwrap())
}

fn asked(token: &str) -> Vec<Line> {
    vec![(QUERY, format!("token={token}").into_bytes())]
}

fn offered(token: &str) -> Vec<Line> {
    vec![(SUBPROTOCOL, format!("bearer, {token}").into_bytes())]
}

const SUBPROTOCOL: &str = "sec-websocket-protocol";
