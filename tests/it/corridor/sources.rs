//! The rows of the sources other than the header.

use tower_warder::testing;

use super::server::{Door, Line, QUERY, Server};
use super::{
    AUTHORIZATION, BARE, INVALID_REQUEST, INVALID_TOKEN, REFUSED, Row, SCOPE, TWICE, bearer,
    expect, foreign, forged,
};

// A line each.
#[rustfmt::skip]
pub fn rows() -> Vec<Row> {
    use Door::{Admin, User};
    use Server::{Cookie, Elsewhere, Everything, OnlyCookie, Plain};

    let one = |line: &[u8]| vec![(AUTHORIZATION, line.to_vec())];
    let two = |first: &[u8], second: &[u8]| [one(first), one(second)].concat();
    let jane = || bearer(&testing::token("jane"));
    let cookie = |subject: &str| kept(&testing::token(subject));
    let query = |subject: &str| asked(&testing::token(subject));
    let offer = |subject: &str| offered(&testing::token(subject));
    let cross_site = || header("sec-fetch-site", "cross-site");
    let anonymous = expect(401, Some(BARE), "Not authenticated", "not_authenticated", "16");
    let refused = expect(401, Some(INVALID_TOKEN), REFUSED, "invalid_token", "16");
    let twice = expect(400, Some(INVALID_REQUEST), TWICE, "invalid_request", "16");
    let admins = expect(403, Some(SCOPE), "Admin access required", "forbidden", "7");
    let elsewhere = expect(403, None, "Cross-origin request refused", "cross_origin", "7");

    vec![
        Row("a cookie that nobody reads", Plain, User, cookie("jane"), anonymous),
        Row("a query that nobody reads", Plain, User, query("jane"), anonymous),
        Row("a subprotocol that nobody reads", Plain, User, offer("jane"), anonymous),
        Row("another cookie", Cookie, User, header("cookie", "id=a.b.c; a=b"), anonymous),
        Row("an empty cookie", Cookie, User, kept(""), refused),
        Row("no token in the cookie", Cookie, User, kept("abc"), refused),
        Row("a quoted cookie", Cookie, User, kept("\"a.b.c\""), refused),
        Row("a forged cookie", Cookie, User, kept(&foreign()), refused),
        Row("the cookie of a disabled account", Cookie, User, cookie("dora"), refused),
        Row("the cookie of no admin", Cookie, Admin, cookie("jane"), admins),
        Row("the cookie twice", Cookie, User, [cookie("jane"), cookie("jane")].concat(), twice),
        Row("a cookie beside another scheme", Cookie, User, [one(b"Basic a"), cookie("jane")].concat(), anonymous),
        Row("a cookie beside a bad token", Cookie, User, [one(b"Bearer a"), cookie("jane")].concat(), refused),
        Row("a cookie beside two headers", Cookie, User, [two(b"a", b"b"), cookie("jane")].concat(), twice),
        Row("a token where only the cookie is read", OnlyCookie, User, jane(), anonymous),
        Row("the cookie beside such a token", OnlyCookie, User, [jane(), cookie("jane")].concat(), anonymous),
        Row("two headers where only the cookie is read", OnlyCookie, User, two(b"a", b"b"), twice),
        Row("the cookie from another site", Cookie, User, [cookie("jane"), cross_site()].concat(), elsewhere),
        Row("the cookie from the same site", Cookie, User, [cookie("jane"), header("sec-fetch-site", "same-site")].concat(), elsewhere),
        Row("the cookie from another origin", OnlyCookie, Admin, [cookie("root"), header("origin", "https://evil.example")].concat(), elsewhere),
        Row("the cookie from no origin", Cookie, User, [cookie("jane"), header("origin", "null")].concat(), elsewhere),
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
        Row("another scheme and query", Everything, User, [one(b"Basic a"), query("jane")].concat(), twice),
        Row("a bad query token beside a cookie", Everything, User, [asked("a"), cookie("jane")].concat(), refused),
        Row("another subprotocol", Everything, User, header(SUBPROTOCOL, "chat, a.b.c"), anonymous),
        Row("a subprotocol without a token", Everything, User, header(SUBPROTOCOL, "bearer"), refused),
        Row("no token in the subprotocol", Everything, User, offered("abc"), refused),
        Row("a forged subprotocol", Everything, User, offered(&foreign()), refused),
        Row("the subprotocol of a disabled account", Everything, User, offer("dora"), refused),
        Row("two subprotocols with tokens", Everything, User, [offer("jane"), offer("jane")].concat(), twice),
        Row("header and subprotocol", Everything, User, [jane(), offer("jane")].concat(), twice),
        Row("query and subprotocol", Everything, User, [query("jane"), offer("jane")].concat(), twice),
    ]
}

/// What is let in.
#[rustfmt::skip]
pub fn good() -> Vec<(Server, Door, Vec<Line>)> {
    use Server::{Cookie, Elsewhere, Everything, OnlyCookie, Plain};

    let token = |subject| bearer(&testing::token(subject));
    let cookie = |subject| kept(&testing::token(subject));
    let query = |subject| asked(&testing::token(subject));
    let offer = |subject| offered(&testing::token(subject));
    let with = |name, value, lines| [lines, header(name, value)].concat();

    vec![
        (Plain, Door::User, [token("jane"), kept("a"), asked("a"), offered("a")].concat()),
        (Cookie, Door::User, token("jane")),
        (Cookie, Door::User, with("sec-fetch-site", "cross-site", token("jane"))),
        (Cookie, Door::User, [token("jane"), kept("a"), kept("b")].concat()),
        (Cookie, Door::User, cookie("jane")),
        (Cookie, Door::Admin, cookie("root")),
        (Cookie, Door::User, with("sec-fetch-site", "same-origin", cookie("jane"))),
        (Cookie, Door::User, with("origin", "https://app.example", cookie("jane"))),
        (OnlyCookie, Door::User, cookie("jane")),
        (Everything, Door::User, token("jane")),
        (Everything, Door::User, cookie("jane")),
        (Everything, Door::User, query("jane")),
        (Everything, Door::Admin, query("root")),
        (Everything, Door::User, [query("jane"), kept("a")].concat()),
        (Everything, Door::User, offer("jane")),
        (Everything, Door::User, [offer("jane"), kept("a")].concat()),
        (Everything, Door::User, with("sec-fetch-site", "cross-site", offer("jane"))),
        (Elsewhere, Door::User, [token("jane"), asked("a"), offered("a")].concat()),
    ]
}

fn header(name: &'static str, value: &str) -> Vec<Line> {
    vec![(name, value.as_bytes().to_vec())]
}

fn kept(token: &str) -> Vec<Line> {
    let pair = format!("__Host-id={token}");
    vec![("cookie", pair.into_bytes())]
}

fn asked(token: &str) -> Vec<Line> {
    vec![(QUERY, format!("token={token}").into_bytes())]
}

fn offered(token: &str) -> Vec<Line> {
    vec![(SUBPROTOCOL, format!("bearer, {token}").into_bytes())]
}

const SUBPROTOCOL: &str = "sec-websocket-protocol";
