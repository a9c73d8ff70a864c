//! Page that a user wanted before the log-in: the query parameter `next` of the log-in page.

use axum::http::Uri;

/// Returns the page to open after a log-in with this query: a path of this server, else the profile.
pub(super) fn wanted(query: Option<&str>) -> String {
    let query = query.unwrap_or_default().as_bytes();
    let next = form_urlencoded::parse(query).find(|(name, _)| name == NEXT);
    next.map(|(_, path)| path.into_owned())
        .filter(|path| is_own_path(path))
        .unwrap_or_else(|| PROFILE.to_owned())
}

/// Returns `true` if the query has this parameter, with or without a value.
pub(super) fn has(query: Option<&str>, name: &str) -> bool {
    let query = query.unwrap_or_default().as_bytes();
    form_urlencoded::parse(query).any(|(given, _)| given == name)
}

/// Returns the log-in page that leads to the page of this request, which `ended` a log-in or had
/// none.
pub(super) fn log_in_for(uri: &Uri, ended: bool) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    let path = uri.path_and_query().map_or(PROFILE, |path| path.as_str());
    if is_own_path(path) && !DEFAULTS.contains(&path) {
        query.append_pair(NEXT, path);
    }
    let query = query.finish();
    match (ended, &*query) {
        (false, "") => "/login".to_owned(),
        (true, "") => "/login?ended".to_owned(),
        (false, _) => format!("/login?{query}"),
        (true, _) => format!("/login?ended&{query}"),
    }
}

/// Returns `true` for a path that no browser takes for another origin: it begins with a single `/`,
/// and has neither `\`, which browsers read as `/`, nor white space or control characters, which
/// they drop (WHATWG URL, section 4.4).
fn is_own_path(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= MAX_BYTES
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
}

const NEXT: &str = "next";

const PROFILE: &str = "/profile";

/// Pages that need no mention.
const DEFAULTS: [&str; 2] = ["/", PROFILE];

const MAX_BYTES: usize = 2048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_path_is_kept() {
        for (query, path) in [
            ("next=%2Fusers", "/users"),
            ("next=/users", "/users"),
            (
                "ended&next=%2Fusers%3Fstatus%3Dpending%26a%3Db",
                "/users?status=pending&a=b",
            ),
            ("next=%2F%252Fevil.example", "/%2Fevil.example"),
            ("next=/users%23a", "/users#a"),
        ] {
            assert_eq!(wanted(Some(query)), path, "{query}");
        }
    }

    #[test]
    fn path_of_another_origin_is_dropped() {
        for next in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/a\\..\\\\evil.example",
            "https://evil.example",
            "https:evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "evil.example",
            "@evil.example",
            " //evil.example",
            " /users",
            "/users ",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            "/\0/evil.example",
            "/\r\nset-cookie: a=b",
            "/\u{7f}",
            "/ü",
            "/\u{ff0f}evil.example",
        ] {
            for encoded in [
                percent_encoded(next),
                next.replace(['\t', '\n', '\r'], "%09"),
            ] {
                assert_eq!(
                    wanted(Some(&format!("next={encoded}"))),
                    PROFILE,
                    "{next:?}"
                );
            }
        }
        assert_eq!(
            wanted(Some(&format!("next=/{}", "a".repeat(2048)))),
            PROFILE
        );
        assert_eq!(wanted(None), PROFILE);
        // The first one counts, whatever comes after it.
        assert_eq!(wanted(Some("next=//evil.example&next=/users")), PROFILE);
        // Decoded once only.
        assert_eq!(wanted(Some("next=%252F%252Fevil.example")), PROFILE);
    }

    #[test]
    fn log_in_page_leads_back() {
        for (path, ended, expected) in [
            ("/", false, "/login"),
            ("/profile", true, "/login?ended"),
            ("/users", false, "/login?next=%2Fusers"),
            (
                "/users?a=b&c=d",
                true,
                "/login?ended&next=%2Fusers%3Fa%3Db%26c%3Dd",
            ),
            ("//evil.example", false, "/login"),
        ] {
            assert_eq!(
                log_in_for(&path.parse().unwrap(), ended),
                expected,
                "{path}"
            );
        }
        let login = log_in_for(&"/users?a=b".parse().unwrap(), true);
        let (_, query) = login.split_once('?').unwrap();
        assert_eq!(wanted(Some(query)), "/users?a=b");
        assert!(has(Some(query), "ended"));
        assert!(!has(Some("next=ended"), "ended"));
    }

    fn percent_encoded(text: &str) -> String {
        text.bytes().map(|byte| format!("%{byte:02X}")).collect()
    }
}
