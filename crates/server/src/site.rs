//! How the application presents itself: in pages, and in the API document.

use std::fmt;
use std::str::FromStr;

use super::accent_color::AccentColor;
use super::origin::PublicOrigin;

/// What the pages and the API document say about the application.
#[derive(Clone, Debug, Default)]
pub struct Site {
    pub product_name: ProductName,
    pub accent_color: Option<AccentColor>,
    pub public_origin: Option<PublicOrigin>,
}

impl Site {
    /// Replaces each placeholder `{{name}}` of an HTML page by its value, as text: the name of the
    /// application, and those given. A placeholder without a value is removed. `{{head}}` becomes
    /// what the heads of all pages share.
    pub fn fill(&self, page: &str, values: &[(&str, &str)]) -> String {
        let page = page.replacen("{{head}}", HEAD.trim_ascii(), 1);
        let mut filled = String::with_capacity(page.len());
        let mut rest = page.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) = after.split_once("}}").unwrap_or((after, ""));
            let value = match name {
                "product_name" => &self.product_name.0,
                _ => values
                    .iter()
                    .find(|(given, _)| *given == name)
                    .map_or("", |(_, value)| value),
            };
            filled.push_str(before);
            filled.push_str(&escaped(value));
            rest = after;
        }
        filled.push_str(rest);
        filled
    }
}

/// Value of `PRODUCT_NAME`: 1 to 40 characters, none of them a control character, and no white space
/// at either end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductName(String);

impl Default for ProductName {
    fn default() -> Self {
        Self("tower-warder".to_owned())
    }
}

impl FromStr for ProductName {
    /// How to fix the value.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=MAX_CHARS).contains(&text.chars().count());
        if fits && text.trim() == text && !text.contains(is_invisible) {
            Ok(Self(text.to_owned()))
        } else {
            Err("give a name of 1 to 40 characters, without spaces around it and line breaks")
        }
    }
}

impl fmt::Display for ProductName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Escapes text for HTML, in content and in quoted attributes.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ => escaped.push(character),
        }
    }
    escaped
}

/// Returns `true` for control characters and for those that change the direction of the text around
/// them (Unicode Standard Annex #9).
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

const HEAD: &str = include_str!("pages/head.html");

/// More does not fit beside the navigation on a phone.
const MAX_CHARS: usize = 40;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_text_and_not_filled_again() {
        let site = Site {
            product_name: "{{a}} & Co".parse().unwrap(),
            ..Site::default()
        };
        let page = "<title>{{product_name}}</title><p>{{a}}</p><input value=\"{{b}}\">{{c}}";
        let values = [("a", "<b>&'\""), ("b", "{{a}}\" autofocus x=\"")];
        assert_eq!(
            site.fill(page, &values),
            "<title>{{a}} &amp; Co</title><p>&lt;b&gt;&amp;&#39;&quot;</p>\
             <input value=\"{{a}}&quot; autofocus x=&quot;\">"
        );
        assert_eq!(site.fill("no placeholder", &values), "no placeholder");
        assert_eq!(site.fill("{{a", &[]), "");
        let with_head = site.fill("<head>{{head}}</head>{{a}}", &[("a", "{{head}}")]);
        assert!(with_head.starts_with("<head><meta charset=\"utf-8\">"));
        assert!(
            with_head
                .ends_with("<link rel=\"stylesheet\" href=\"/pages/style.css\"></head>{{head}}")
        );
    }
}
