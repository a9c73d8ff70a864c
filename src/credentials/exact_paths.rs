//! Paths on which a credential source is read.

use crate::error::ConfigError;

/// Exact paths, compared byte by byte with the path of the URI.
#[derive(Clone, Debug, Default)]
pub(super) struct Paths(Vec<Box<str>>);

impl Paths {
    pub(super) fn add(&mut self, path: &str) -> Result<(), ConfigError> {
        let exact = path.starts_with('/') && path.bytes().all(is_path_char);
        if !exact {
            return Err(ConfigError::InvalidPath(path.to_owned()));
        }
        self.0.push(path.into());
        Ok(())
    }

    pub(super) fn contain(&self, path: &str) -> bool {
        self.0.iter().any(|listed| **listed == *path)
    }
}

/// `pchar` of RFC 3986, section 3.3, or a slash. No `*`, because it is meant as a pattern.
fn is_path_char(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"/-._~%!$&'()+,;=:@".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_exact_path_matches() {
        let mut paths = Paths::default();
        paths.add("/api/events").unwrap();
        assert!(paths.contain("/api/events"));
        for path in [
            "/api/events/",
            "/api/event",
            "/api/Events",
            "/api//events",
            "/api/%65vents",
            "/api/events/1",
            "",
        ] {
            assert!(!paths.contain(path), "{path}");
        }
    }

    #[test]
    fn malformed_path_or_pattern_is_rejected() {
        for path in [
            "",
            "api/events",
            "/items/{item}",
            "/api/*",
            "/a?token",
            "/a#b",
            "/a b",
            "/ä",
            "https://example.org/a",
        ] {
            assert!(Paths::default().add(path).is_err(), "{path}");
        }
    }
}
