//! Requests that pass the CSRF check.

use super::*;

const HOME: (&str, &str) = ("host", "shop.example");

fn admitted(origins: &Origins, method: &str, headers: &[(&str, &str)]) -> bool {
    let mut request = Request::builder().method(method).uri("/");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    origins.admit(&request.body(()).unwrap())
}

fn posted(headers: &[(&str, &str)]) -> bool {
    admitted(&Origins::own(true), "POST", headers)
}

#[test]
fn sec_fetch_site_decides() {
    for (site, expected) in [
        ("same-origin", true),
        ("none", true),
        ("same-site", false),
        ("cross-site", false),
        ("Same-Origin", false),
        ("same-origin, none", false),
        ("", false),
        ("elsewhere", false),
    ] {
        let own = ("origin", "https://shop.example");
        for headers in [
            &[("sec-fetch-site", site), HOME][..],
            &[("sec-fetch-site", site), HOME, own],
            &[("sec-fetch-site", site), HOME, ("origin", "null")],
        ] {
            assert_eq!(posted(headers), expected, "{headers:?}");
        }
    }
    assert!(!posted(&[
        ("sec-fetch-site", "none"),
        ("sec-fetch-site", "none")
    ]));
}

#[test]
fn origin_decides_without_sec_fetch_site() {
    for (origin, host, expected) in [
        ("https://shop.example", "shop.example", true),
        ("https://shop.example", "SHOP.example", true),
        ("https://shop.example:8443", "shop.example:8443", true),
        ("https://shop.example", "shop.example:443", true),
        ("https://shop.example", "SHOP.example:443", true),
        ("https://shop.example", "shop.example:", true),
        ("https://shop.example:443", "shop.example", true),
        ("https://[::1]", "[::1]:443", true),
        ("http://localhost", "localhost:80", true),
        ("http://localhost", "localhost:443", false),
        ("https://shop.example", "shop.example:80", false),
        ("https://shop.example", "shop.example:4443", false),
        ("https://shop.example:80", "shop.example", false),
        ("https://shop.example", "shop.example:443:443", false),
        ("https://:443", ":443", false),
        ("https://", ":", false),
        ("http://localhost:8000", "localhost:8000", true),
        ("http://shop.localhost", "shop.localhost", true),
        ("http://127.0.0.1:8000", "127.0.0.1:8000", true),
        ("http://[::1]:8000", "[::1]:8000", true),
        ("http://shop.example", "shop.example", false),
        (
            "http://127.0.0.1.evil.example",
            "127.0.0.1.evil.example",
            false,
        ),
        ("https://shop.example", "shop.example:8443", false),
        ("https://shop.example:8443", "shop.example", false),
        ("https://www.shop.example", "shop.example", false),
        ("https://shop.example.evil.example", "shop.example", false),
        ("https://evil.example", "shop.example", false),
        ("https://evil@shop.example", "shop.example", false),
        ("https://shop.example/", "shop.example", false),
        ("shop.example", "shop.example", false),
        ("ftp://shop.example", "shop.example", false),
        ("null", "null", false),
        ("https://", "", false),
        ("", "", false),
    ] {
        let headers = [("origin", origin), ("host", host)];
        assert_eq!(posted(&headers), expected, "{headers:?}");
    }
    let own = ("origin", "https://shop.example");
    assert!(!posted(&[own]));
    assert!(!posted(&[own, own, HOME]));
    assert!(!posted(&[own, HOME, HOME]));
}

#[test]
fn cookie_without_tls_accepts_pages_without_tls() {
    let headers = [("origin", "http://shop.example"), HOME];
    assert!(admitted(&Origins::own(false), "POST", &headers));
}

// Oracle: the URL standard (`url`, through reqwest). Two origins are the same if scheme, host and port
// are, with the default port of the scheme for none.
#[test]
fn origin_check_agrees_with_the_url_standard() {
    let hosts = [
        "shop.example",
        "www.shop.example",
        "shop.localhost",
        "127.0.0.1",
        "[2001:db8::1]",
    ];
    let ports = ["", ":", ":80", ":443", ":8443", ":4433"];
    let authorities: Vec<_> = hosts
        .iter()
        .flat_map(|host| ports.iter().map(move |port| format!("{host}{port}")))
        .collect();
    let mut combinations = 0;
    for (scheme, tls) in [
        ("https", true),
        ("https", false),
        ("http", true),
        ("http", false),
    ] {
        let origins = Origins::own(tls);
        for theirs in &authorities {
            let origin = format!("{scheme}://{theirs}");
            let page = reqwest::Url::parse(&origin).unwrap();
            let host = page.host_str().unwrap();
            let trusted =
                scheme == "https" || !tls || ["shop.localhost", "127.0.0.1"].contains(&host);
            for ours in authorities.iter().chain([&"SHOP.example:443".to_owned()]) {
                let own = reqwest::Url::parse(&format!("{scheme}://{ours}")).unwrap();
                let same = trusted && page.origin() == own.origin();
                for site in ["", "same-origin", "none", "same-site", "cross-site"] {
                    for (method, upgrade) in [("GET", false), ("GET", true), ("POST", false)] {
                        let mut headers = vec![("origin", &*origin), ("host", ours)];
                        headers.extend((!site.is_empty()).then_some(("sec-fetch-site", site)));
                        headers.extend(upgrade.then_some(("upgrade", "websocket")));
                        let expected = match (method, upgrade, site) {
                            ("GET", false, _) | (_, _, "same-origin" | "none") => true,
                            (_, _, "same-site" | "cross-site") => false,
                            _ => same,
                        };
                        let found = admitted(&origins, method, &headers);
                        assert_eq!(found, expected, "{method} {headers:?} {tls}");
                        combinations += 1;
                    }
                }
            }
        }
    }
    assert_eq!(combinations, 55_800);
}

#[test]
fn target_and_host_must_both_match_the_origin() {
    for (host, origin, expected) in [
        (None, "https://shop.example", true),
        (None, "https://evil.example", false),
        (Some("shop.example"), "https://shop.example", true),
        (Some("evil.example"), "https://shop.example", false),
        (Some("evil.example"), "https://evil.example", false),
        (Some(""), "https://shop.example", false),
        (Some("shop.example:443"), "https://shop.example", true),
        (Some("shop.example:80"), "https://shop.example", false),
    ] {
        let mut request = Request::post("https://shop.example/").header("origin", origin);
        if let Some(host) = host {
            request = request.header("host", host);
        }
        let request = request.body(()).unwrap();
        let admitted = Origins::own(true).admit(&request);
        assert_eq!(admitted, expected, "{host:?} {origin}");
    }
}

#[test]
fn request_without_origin_headers_is_admitted() {
    assert!(posted(&[]) && posted(&[HOME]));
}

#[test]
fn only_the_exact_trusted_origin_is_admitted() {
    let mut origins = Origins::own(true);
    origins.add("https://app.example").unwrap();
    for (origin, expected) in [
        ("https://app.example", true),
        ("http://app.example", false),
        ("https://app.example:444", false),
        ("https://app.example.evil.example", false),
        ("HTTPS://app.example", false),
    ] {
        for site in ["same-site", "cross-site"] {
            let headers = [("sec-fetch-site", site), ("origin", origin), HOME];
            assert_eq!(admitted(&origins, "PUT", &headers), expected, "{headers:?}");
        }
        assert_eq!(
            admitted(&origins, "PUT", &[("origin", origin), HOME]),
            expected
        );
    }
}

#[test]
fn own_origin_replaces_the_host() {
    let mut origins = Origins::own(true);
    origins.set_own("https://login.example").unwrap();
    for (origin, expected) in [
        ("https://login.example", true),
        ("http://login.example", false),
        ("https://login.example:8443", false),
        ("https://login.example.", false),
        ("https://node.internal", false),
        ("http://localhost", false),
        ("null", false),
        ("", false),
    ] {
        for host in [
            "login.example",
            "node.internal:8000",
            "localhost",
            "evil.example",
        ] {
            let headers = [("origin", origin), ("host", host)];
            assert_eq!(
                admitted(&origins, "POST", &headers),
                expected,
                "{headers:?}"
            );
        }
        assert_eq!(admitted(&origins, "POST", &[("origin", origin)]), expected);
        // `Sec-Fetch-Site` has priority, as without an own origin.
        let elsewhere = [("origin", origin), ("sec-fetch-site", "cross-site")];
        assert!(!admitted(&origins, "POST", &elsewhere), "{origin}");
    }

    // The scheme is also compared for a cookie without TLS.
    let mut origins = Origins::own(false);
    origins.set_own("http://localhost:8000").unwrap();
    for (origin, expected) in [
        ("http://localhost:8000", true),
        ("https://localhost:8000", false),
        ("http://localhost:8001", false),
        ("http://127.0.0.1:8000", false),
    ] {
        let headers = [("origin", origin), ("host", "localhost:8000")];
        assert_eq!(admitted(&origins, "POST", &headers), expected, "{origin}");
    }
    assert!(origins.set_own("https://login.example/").is_err());
}

#[test]
fn trusted_origin_is_admitted_beside_the_own_one() {
    let mut origins = Origins::own(true);
    origins.set_own("https://login.example").unwrap();
    origins.add("https://app.example").unwrap();
    for origin in ["https://login.example", "https://app.example"] {
        assert!(
            admitted(&origins, "POST", &[("origin", origin)]),
            "{origin}"
        );
    }
}

#[test]
fn safe_method_is_admitted_and_upgrade_is_checked() {
    let elsewhere = ("sec-fetch-site", "cross-site");
    let upgrade = ("upgrade", "websocket");
    let origins = Origins::own(true);
    for method in ["GET", "HEAD", "OPTIONS", "TRACE"] {
        assert!(admitted(&origins, method, &[elsewhere, HOME]), "{method}");
    }
    for method in ["POST", "PUT", "PATCH", "DELETE", "CONNECT", "get", "QUERY"] {
        assert!(!admitted(&origins, method, &[elsewhere, HOME]), "{method}");
    }
    let evil = ("origin", "https://evil.example");
    let own = ("origin", "https://shop.example");
    assert!(!admitted(&origins, "GET", &[upgrade, elsewhere, HOME]));
    assert!(!admitted(&origins, "GET", &[upgrade, evil, HOME]));
    assert!(admitted(&origins, "GET", &[upgrade, own, HOME]));
    assert!(admitted(&origins, "GET", &[upgrade, HOME]));
}

#[test]
fn malformed_origin_cannot_be_trusted() {
    let mut origins = Origins::own(true);
    for origin in [
        "https://app.example:8443",
        "http://localhost:5173",
        "https://[::1]:1",
    ] {
        origins.add(origin).unwrap();
    }
    for origin in [
        "",
        "*",
        "null",
        "app.example",
        "https://",
        "https://*.example",
        "https://App.example",
        "HTTPS://app.example",
        "https://app.example/",
        "https://app.example/path",
        "https://app.example?a",
        "https://app.example:443",
        "http://app.example:80",
        "https://app.example:",
        "https://me@app.example",
        "https://äpp.example",
        "ftp://app.example",
        " https://app.example",
    ] {
        assert!(origins.add(origin).is_err(), "{origin}");
    }
}
