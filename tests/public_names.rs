//! Public names of the crate, compared with `public-names.txt`, so that each change is visible in a diff.
//!
//! After an intended change: `UPDATE=1 cargo test --test public_names`.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn public_names_change_only_on_purpose() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();

    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    let texts: Vec<String> = texts.collect();
    let types: BTreeSet<&str> = texts.iter().flat_map(|text| public_types(text)).collect();

    let mut listing = String::new();
    for (file, text) in files.iter().zip(&texts) {
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let names = public_names(code, &types);
        if !names.is_empty() {
            let path = file.strip_prefix(root).unwrap().display();
            listing += &format!("{path}\n    {}\n", names.join("\n    "));
        }
    }

    let listed = root.join("tests/public-names.txt");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&listed, &listing).unwrap();
    }
    let known = fs::read_to_string(listed).unwrap();
    for (now, before) in listing.lines().zip(known.lines()) {
        assert_eq!(
            now, before,
            "a public name changed: if intended, run `UPDATE=1 cargo test --test public_names`"
        );
    }
    assert_eq!(
        listing.len(),
        known.len(),
        "a public name was added or removed: if intended, run with `UPDATE=1`"
    );
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|it| it == "rs")
            && !path.ends_with("tests.rs")
            && !path.ends_with("tests/mod.rs")
        {
            files.push(path);
        }
    }
}

/// Names of the public types and traits of a file.
fn public_types(code: &str) -> impl Iterator<Item = &str> {
    let items = code.lines().filter_map(|line| {
        let item = line.trim().strip_prefix("pub ")?;
        ["struct ", "enum ", "trait "]
            .iter()
            .find_map(|keyword| item.strip_prefix(keyword))
    });
    items.filter_map(|item| words(item).next())
}

/// Every `pub` item with its whole signature, the members of public enums and traits, and the trait
/// implementations of `types`.
fn public_names(code: &str, types: &BTreeSet<&str>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open: Option<End> = None;
    let mut listing_members = false;
    for line in code.lines() {
        // The macros of `macros.rs` implement these two traits.
        if let Some(table) = line.strip_prefix("impl_display! { ") {
            names.push(format!("impl fmt::Display for {}", type_of(table)));
            continue;
        }
        if let Some(table) = line.strip_prefix("impl_debug! { self: ") {
            names.push(format!("impl fmt::Debug for {}", type_of(table)));
            continue;
        }
        let text = line.trim();
        if text.starts_with("//") {
            continue;
        }
        if open.is_some() {
            names.last_mut().unwrap().push_str(&format!(" {text}"));
        } else if is_public(text) || listing_members && is_member(line) || is_impl(line) {
            names.push(text.to_owned());
            open = Some(End::of(text));
        } else {
            listing_members &= line != "}";
            continue;
        }
        let name = names.last().unwrap();
        open = open.filter(|end| !end.is_reached(name));
        if !line.starts_with(' ') && name == text {
            listing_members = text.starts_with("pub enum") || text.starts_with("pub trait");
        }
    }
    names.retain(|name| {
        let header = name.split(" where ").next().unwrap();
        !is_impl(name) || header.contains(" for ") && words(header).any(|word| types.contains(word))
    });
    names.iter().map(|name| tidy(name)).collect()
}

/// Type at the beginning of a macro's input, without the bounds of its parameters.
fn type_of(table: &str) -> &str {
    let of_type = table.rsplit("] ").next().unwrap();
    let end = of_type.find(['>', ',', ':', ' ']).unwrap_or(of_type.len());
    of_type[..end].split('<').next().unwrap()
}

/// End of a listed item.
#[derive(Clone, Copy)]
enum End {
    /// A function, a type or an implementation: at its body, or at its semicolon.
    Body,
    /// An import: at its semicolon.
    Semicolon,
    /// A field or a variant: at its comma.
    Comma,
}

impl End {
    fn of(text: &str) -> Self {
        let text = text.strip_prefix("pub ").unwrap_or(text);
        match words(text).next() {
            Some("use") => Self::Semicolon,
            Some(
                "async" | "const" | "enum" | "fn" | "impl" | "mod" | "static" | "struct" | "trait"
                | "type",
            ) => Self::Body,
            _ => Self::Comma,
        }
    }

    fn is_reached(self, name: &str) -> bool {
        match self {
            Self::Body => depth(name, "([", ")]") == 0 && name.ends_with(['{', ';', '}']),
            Self::Semicolon => name.ends_with(';'),
            Self::Comma => depth(name, "([{", ")]}") == 0 && name.ends_with([',', '}']),
        }
    }
}

/// Number of brackets that are open at the end.
fn depth(text: &str, opening: &str, closing: &str) -> usize {
    let count = |brackets: &str| text.matches(|it| brackets.contains(it)).count();
    count(opening).saturating_sub(count(closing))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
    words.filter(|word| !word.is_empty())
}

/// Formats a signature as a single line.
fn tidy(name: &str) -> String {
    let name = name.replace("( ", "(").replace("{ ", "{");
    let name = name.replace(", )", ")").replace(", }", "}");
    let name = name.trim_end_matches([' ', '{', '}', ';']);
    name.trim_end_matches(',').to_owned()
}

fn is_public(text: &str) -> bool {
    text.starts_with("pub ")
}

fn is_impl(line: &str) -> bool {
    line.starts_with("impl")
}

fn is_member(line: &str) -> bool {
    let Some(text) = line.strip_prefix("    ") else {
        return false;
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}
