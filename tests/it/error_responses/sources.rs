//! The rows of the sources other than the header.

use tower_warder::testing;

use super::server::{Door, Line, NAMED, QUERY, Server};
use super::{
    AUTHORIZATION, BARE, CLEARED, DOWN, Expect, INVALID_REQUEST, INVALID_TOKEN, REFUSED, Row,
    SCOPE, TWICE, bearer, expect, expired, foreign, forged, later_generation,
};

// A line each.
#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    use Door::{Admin, User};
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
    let refused = expect(401, Some(INVALID_TOKEN), REFUSED, "invalid_token", "16");
    let twice = expect(400, Some(INVALID_REQUEST), TWICE, "invalid_request", "16");
    let admins = expect(403, Some(SCOPE), "Admin access required", "forbidden", "7");
    let elsewhere = expect(403, None, "Cross-origin request refused", "cross_origin", "7");
    let pending = expect(403, None, "Account pending approval", "account_pending", "7");
    let disabled = expect(403, None, "Account disabled", "account_disabled", "7");
    let down = expect(503, None, DOWN, "unavailable", "14");
    let cleared = |answer: Expect| Expect { set_cookie: Some(CLEARED), ..answer };

    vec![
        Row("a cookie that nobody reads", Plain, User, cookie("jane"), anonymous),
        Row("a query that nobody reads", Plain, User, query("jane"), anonymous),
        Row("a subprotocol that nobody reads", Plain, User, offer("jane"), anonymous),
        Row("another cookie", Cookie, User, header("cookie", "id=a.b.c; a=b"), anonymous),
        Row("an empty cookie", Cookie, User, kept(""), cleared(refused)),
        Row("no token in the cookie", Cookie, User, kept("abc"), cleared(refused)),
        Row("a quoted cookie", Cookie, User, kept("\"a.b.c\""), cleared(refused)),
        Row("a forged cookie", Cookie, User, kept(&foreign()), cleared(refused)),
        Row("the cookie of a disabled account", Cookie, User, cookie("dora"), cleared(refused)),
        Row("the cookie of no admin", Cookie, Admin, cookie("jane"), admins),
        Row("the cookie twice", Cookie, User, [cookie("jane"), cookie("jane")].concat(), cleared(refused)),
        Row("the cookie twice in one line", Cookie, User, header("cookie", "__Host-id=a; __Host-id=a"), cleared(refused)),
        Row("the cookie twice from another site", Cookie, User, [cookie("jane"), cookie("jane"), cross_site()].concat(), elsewhere),
        Row("the cookie twice beside a bad token", Cookie, User, [one(b"Bearer a"), kept("a"), kept("b")].concat(), refused),
        Row("an expired cookie", Cookie, User, as_cookie(expired()), cleared(refused)),
        Row("an expired cookie where only that is read", OnlyCookie, User, as_cookie(expired()), cleared(refused)),
        Row("an expired cookie beside another scheme", Cookie, User, [one(b"Negotiate YTpi"), as_cookie(expired())].concat(), cleared(refused)),
        Row("a cookie of an earlier generation", Cookie, User, as_cookie(later_generation()), cleared(refused)),
        Row("the cookie of an unknown subject", Cookie, Admin, cookie("nobody"), cleared(refused)),
        Row("the cookie of a pending account", Cookie, User, cookie("paul"), cleared(refused)),
        Row("the cookie of a pending account, disclosed", CookieDisclosing, User, cookie("paul"), cleared(pending)),
        Row("the cookie of a disabled account, disclosed", CookieDisclosing, User, cookie("dora"), cleared(disabled)),
        Row("the cookie of no admin, disclosed", CookieDisclosing, Admin, cookie("jane"), admins),
        Row("the cookie while the store is down", CookieDown, User, cookie("jane"), down),
        Row("an expired cookie while the store is down", CookieDown, User, as_cookie(expired()), cleared(refused)),
        Row("a bad token beside nothing where the cookie is read", Cookie, User, forged(), refused),
        Row("a cookie beside another scheme", Cookie, User, [one(b"Basic a"), cookie("dora")].concat(), cleared(refused)),
        Row("another scheme where the cookie is read", Cookie, User, one(b"Basic a"), anonymous),
        Row("a cookie beside a value that is not ASCII", Cookie, User, [one(b"\xff"), cookie("jane")].concat(), refused),
        Row("a cookie beside an empty token", Cookie, User, [one(b"Bearer"), cookie("jane")].concat(), refused),
        Row("a cookie beside two other schemes", Cookie, User, [two(b"Basic a", b"Negotiate b"), cookie("jane")].concat(), twice),
        Row("a cookie beside a bad token", Cookie, User, [one(b"Bearer a"), cookie("jane")].concat(), refused),
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
        Row("a bad token from another site", Cookie, User, [forged(), cross_site()].concat(), refused),
        Row("a query on another path", Elsewhere, User, query("jane"), anonymous),
        Row("a subprotocol on another path", Elsewhere, User, offer("jane"), anonymous),
        Row("another parameter", Everything, User, header(QUERY, "access_token=a.b.c"), anonymous),
        Row("an empty query token", Everything, User, asked(""), refused),
        Row("no token in the query", Everything, User, asked("abc"), refused),
        Row("a query token that is not UTF-8", Everything, User, asked("%FF"), refused),
        Row("a query token with half an escape", Everything, User, asked("a%2"), refused),
        Row("a forged query token", Everything, User, asked(&foreign()), refused),
        Row("the query token of a pending account", Everything, User, query("paul"), refused),
        Row("the query token of no admin", Everything, Admin, query("jane"), admins),
        Row("two query tokens", Everything, User, asked("a&token=b"), twice),
        Row("header and query", Everything, User, [jane(), query("jane")].concat(), twice),
        Row("another scheme and a bad query token", Everything, User, [one(b"Basic a"), asked("a")].concat(), refused),
        Row("two other schemes and query", Everything, User, [two(b"Basic a", b"Basic a"), query("jane")].concat(), twice),
        Row("a bad query token beside a cookie", Everything, User, [asked("a"), cookie("jane")].concat(), refused),
        Row("another subprotocol", Everything, User, header(SUBPROTOCOL, "chat, a.b.c"), anonymous),
        Row("a subprotocol without a token", Everything, User, header(SUBPROTOCOL, "bearer"), refused),
        Row("no token in the subprotocol", Everything, User, offered("abc"), refused),
        Row("a forged subprotocol", Everything, User, offered(&foreign()), refused),
        Row("the subprotocol of a disabled account", Everything, User, offer("dora"), refused),
        Row("two subprotocols with tokens", Everything, User, [offer("jane"), offer("jane")].concat(), twice),
        Row("header and subprotocol", Everything, User, [jane(), offer("jane")].concat(), twice),
        Row("query and subprotocol", Everything, User, [query("jane"), offer("jane")].concat(), twice),
        Row("a named header that nobody reads", Plain, User, name("jane"), anonymous),
        Row("an empty named header", OnlyNamed, User, header(NAMED, ""), anonymous),
        Row("no token in the named header", OnlyNamed, User, header(NAMED, "abc"), refused),
        Row("a scheme in the named header", OnlyNamed, User, header(NAMED, "Bearer a.b.c"), refused),
        Row("two tokens in the named header", OnlyNamed, User, header(NAMED, "a.b.c, d.e.f"), refused),
        Row("a forged named header", OnlyNamed, User, header(NAMED, &foreign()), refused),
        Row("the named header of a disabled account", OnlyNamed, User, name("dora"), refused),
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
        Row("a bad named header beside a cookie", Everything, User, [header(NAMED, "a"), cookie("jane")].concat(), refused),
    ]
}

/// What is let in.
#[rustfmt::skip]
pub fn good() -> Vec<(Server, Door, Vec<Line>)> {
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
        (Plain, Door::User, [token("jane"), kept("a"), asked("a"), offered("a")].concat()),
        (Cookie, Door::User, token("jane")),
        (Cookie, Door::User, with("sec-fetch-site", "cross-site", token("jane"))),
        (Cookie, Door::User, [token("jane"), kept("a"), kept("b")].concat()),
        (Cookie, Door::User, cookie("jane")),
        (Cookie, Door::Admin, cookie("root")),
        (Cookie, Door::User, with("sec-fetch-site", "same-origin", cookie("jane"))),
        (Cookie, Door::User, with("origin", "https://app.example", cookie("jane"))),
        // A sibling domain can set the name without the prefix.
        (Cookie, Door::User, [header("cookie", "id=a.b.c"), cookie("jane"), header("cookie", "id=d")].concat()),
        (Cookie, Door::User, at("shop.example:443", "https://shop.example", cookie("jane"))),
        (Cookie, Door::User, at("localhost:80", "http://localhost", cookie("jane"))),
        (Cookie, Door::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (Cookie, Door::Admin, [scheme("Negotiate YIIabc=="), cookie("root")].concat()),
        (Cookie, Door::User, [scheme("Digest username=\"a\", qop=auth"), cookie("jane")].concat()),
        (Cookie, Door::User, [scheme("NTLM TlRMTVNTUAAB"), cookie("jane")].concat()),
        (Cookie, Door::User, [scheme("BearerX a"), cookie("jane")].concat()),
        (Cookie, Door::User, [scheme(""), cookie("jane")].concat()),
        (OnlyCookie, Door::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (OnlyCookie, Door::User, cookie("jane")),
        (Everything, Door::User, token("jane")),
        (Everything, Door::User, cookie("jane")),
        (Everything, Door::User, query("jane")),
        (Everything, Door::Admin, query("root")),
        (Everything, Door::User, [query("jane"), kept("a")].concat()),
        (Everything, Door::User, offer("jane")),
        (Everything, Door::User, [offer("jane"), kept("a")].concat()),
        (Everything, Door::User, with("sec-fetch-site", "cross-site", offer("jane"))),
        (Everything, Door::User, [scheme("Basic YTpi"), query("jane")].concat()),
        (Everything, Door::User, [scheme("Basic YTpi"), offer("jane")].concat()),
        (Everything, Door::User, [scheme("Basic YTpi"), cookie("jane")].concat()),
        (Everything, Door::User, name("jane")),
        (Everything, Door::User, [header(NAMED, ""), token("jane")].concat()),
        (Elsewhere, Door::User, [token("jane"), asked("a"), offered("a")].concat()),
        (OnlyNamed, Door::User, name("jane")),
        (OnlyNamed, Door::Admin, [scheme("Basic YTpi"), name("root")].concat()),
        // Of somebody else's, who may be none of ours.
        (OnlyNamed, Door::User, [token("nobody"), name("jane")].concat()),
        (OnlyNamed, Door::User, with("sec-fetch-site", "same-origin", name("jane"))),
        (OnlyNamed, Door::User, with("origin", "https://app.example", name("jane"))),
        (OnlyNamed, Door::User, at("shop.example:80", "http://shop.example", name("jane"))),
        (Named, Door::User, token("jane")),
        (Named, Door::User, name("jane")),
        (Named, Door::User, [name("jane"), kept("a")].concat()),
    ]
}

fn header(name: &'static str, value: &str) -> Vec<Line> {
    vec![(name, value.as_bytes().to_vec())]
}

fn kept(token: &str) -> Vec<Line> {
    let pair = format!("__Host-id={token}");
    vec![("cookie", pair.into_bytes())]
}

/// The token of a header in the cookie.
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
