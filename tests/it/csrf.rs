//! The CSRF check, compared with that of `tower-http`: the same answer to every request, with the
//! listed exceptions.

use axum::body::Body;
use futures_util::FutureExt;
use http::header::{HOST, ORIGIN, UPGRADE};
use http::{Method, Request, Response};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use tower::{Layer, ServiceExt, service_fn};
use tower_http::csrf::CsrfLayer;
use tower_warder::credentials::AuthCookie;

const TRUSTED: &str = "https://app.example";
const SITE: &str = "sec-fetch-site";

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 8192,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn csrf_check_agrees_with_tower_http(sent in sent()) {
        let cookie = AuthCookie::new("id").unwrap().trusted_origin(TRUSTED).unwrap();
        let ours = cookie.check_csrf(&sent.request()).is_ok();
        prop_assert_eq!(ours, expected(&sent), "{:?}", sent);
    }
}

/// Answer of `tower-http`, with each rule by which this crate differs.
fn expected(sent: &Sent) -> bool {
    // TRACE is a safe method as well (RFC 9110, section 9.2.1); no page can send it.
    let safe = ["GET", "HEAD", "OPTIONS", "TRACE"].contains(&sent.method);
    if safe && !sent.upgrade {
        return sent.method == "TRACE" || tower_http_admits(sent.request(), true);
    }
    // Stricter: repeated headers are rejected; tower-http reads the first.
    if sent.sites.len() > 1 || sent.origins.len() > 1 {
        return false;
    }
    let (site, origin) = (sent.sites.first(), sent.origins.first());
    let own = site.is_none() && origin.is_some_and(|origin| *origin != TRUSTED);
    // Stricter: an empty header is not an absent one.
    if origin != Some(&TRUSTED) && (site == Some(&"") || own && origin == Some(&"")) {
        return false;
    }
    // Stricter, if `Origin` is compared: it must have the form that browsers send, use https except
    // on loopback hosts, and `Host` and the request target must name the same host.
    if let Some(origin) = origin.filter(|_| own) {
        let hosts = [sent.target, sent.host].into_iter().flatten();
        let hosts: Vec<_> = hosts
            .map(|host| without_default_port(host, origin))
            .collect();
        let loopback = ["localhost", "127.0.0.1"]
            .iter()
            .any(|it| origin.contains(it));
        let plain = origin.starts_with("http://") && !loopback;
        if plain || origin.ends_with('/') || hosts.windows(2).any(|pair| pair[0] != pair[1]) {
            return false;
        }
    }
    // Stricter: an upgrade is not a safe request; any page can open a WebSocket. Not stricter:
    // default ports and upper case are normalized (RFC 3986, section 6.2), except in trusted
    // origins.
    let request = sent.normalized().request_by("POST");
    tower_http_admits(request, origin == Some(&TRUSTED))
}

fn tower_http_admits(request: Request<Body>, lists_trusted: bool) -> bool {
    let handler = service_fn(async |_: Request<Body>| Ok::<_, ()>(Response::new(Body::empty())));
    let layer = match lists_trusted {
        true => CsrfLayer::new().add_trusted_origin(TRUSTED).unwrap(),
        false => CsrfLayer::new(),
    };
    let answer = layer.layer(handler).oneshot(request).now_or_never();
    answer.unwrap().unwrap().status() == 200
}

/// Request of a browser or of any other client.
#[derive(Clone, Debug)]
struct Sent {
    method: &'static str,
    upgrade: bool,
    target: Option<&'static str>,
    host: Option<&'static str>,
    sites: Vec<&'static str>,
    origins: Vec<&'static str>,
}

fn sent() -> impl Strategy<Value = Sent> {
    let lines = |values: &'static [&'static str]| {
        prop_oneof![
            3 => Just(Vec::new()),
            6 => vec(select(values), 1),
            1 => vec(select(values), 2),
        ]
    };
    let host = || prop_oneof![1 => Just(None), 3 => select(HOSTS).prop_map(Some)];
    let target = prop_oneof![3 => Just(None), 1 => select(HOSTS).prop_map(Some)];
    let method = select(&METHODS[..]);
    let all = (
        method,
        any::<bool>(),
        target,
        host(),
        lines(SITES),
        lines(ORIGINS),
    );
    all.prop_map(|(method, upgrade, target, host, sites, origins)| Sent {
        method,
        upgrade,
        target,
        host,
        sites,
        origins,
    })
}

impl Sent {
    fn request(&self) -> Request<Body> {
        self.request_by(self.method)
    }

    fn request_by(&self, method: &str) -> Request<Body> {
        let target = self.target.map(|host| format!("https://{host}/"));
        let mut request = Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(target.as_deref().unwrap_or("/"));
        let hosts = self.host.iter().map(|host| (HOST.as_str(), *host));
        let sites = self.sites.iter().map(|site| (SITE, *site));
        let origins = self.origins.iter().map(|origin| (ORIGIN.as_str(), *origin));
        let upgrade = self.upgrade.then_some((UPGRADE.as_str(), "websocket"));
        for (name, value) in hosts.chain(sites).chain(origins).chain(upgrade) {
            request = request.header(name, value);
        }
        request.body(Body::empty()).unwrap()
    }

    /// The same request with hosts in lower case and without the default port of the scheme of
    /// `Origin`.
    fn normalized(&self) -> Self {
        let origin = self.origins.first().copied().unwrap_or_default();
        let host = |host| without_default_port(host, origin);
        Self {
            target: self.target.map(host),
            host: self.host.map(host),
            origins: self
                .origins
                .iter()
                .map(|it| without_default_port(it, origin))
                .collect(),
            ..self.clone()
        }
    }
}

fn without_default_port(host: &'static str, origin: &str) -> &'static str {
    let port = if origin.starts_with("https://") {
        ":443"
    } else {
        ":80"
    };
    match host.strip_suffix(port).unwrap_or(host) {
        "SHOP.example" => "shop.example",
        "https://SHOP.example" => "https://shop.example",
        host => host,
    }
}

const METHODS: [&str; 9] = [
    "GET", "HEAD", "OPTIONS", "TRACE", "POST", "PUT", "DELETE", "get", "QUERY",
];
const SITES: &[&str] = &[
    "same-origin",
    "none",
    "same-site",
    "cross-site",
    "Same-Origin",
    "same-origin, none",
    "",
];
const HOSTS: &[&str] = &[
    "shop.example",
    "SHOP.example",
    "shop.example:443",
    "shop.example:80",
    "shop.example:8443",
    "app.example",
    "evil.example",
    "localhost:8000",
    "127.0.0.1",
];
const ORIGINS: &[&str] = &[
    "https://shop.example",
    "https://SHOP.example",
    "https://shop.example:443",
    "https://shop.example:8443",
    "https://shop.example/",
    "https://me@shop.example",
    "http://shop.example",
    "http://shop.example:80",
    "https://shop.example.evil.example",
    "https://evil.example",
    "http://localhost:8000",
    "https://localhost:8000",
    "http://127.0.0.1",
    TRUSTED,
    "http://app.example",
    "https://app.example:443",
    "https://",
    "ftp://shop.example",
    "shop.example",
    "null",
    "",
];
