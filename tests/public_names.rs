//! What the crate promises by name stands in `public-names.txt`, so that a change of it shows.
//!
//! After a change on purpose: `UPDATE=1 cargo test --test public_names`.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn public_names_change_only_on_purpose() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    collect(&root.join("src"), &mut files);
    files.sort();

    let mut listing = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap();
        let names = public_names(code);
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
            "a public name changed: see the head of this file"
        );
    }
    assert_eq!(listing.len(), known.len(), "a public name came or went");
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

/// Every `pub` item with its signature, and what stands in public enums and traits.
fn public_names(code: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut open = false;
    let mut listing_members = false;
    for line in code.lines() {
        let text = line.trim();
        if open {
            names.last_mut().unwrap().push_str(&format!(" {text}"));
        } else if is_public(text) || listing_members && is_member(line) {
            names.push(text.to_owned());
        } else {
            listing_members &= line != "}";
            continue;
        }
        open = !text.ends_with(['{', ';', ',', '}']);
        if !line.starts_with(' ') {
            listing_members = text.starts_with("pub enum") || text.starts_with("pub trait");
        }
    }
    names
        .iter()
        .map(|name| name.trim_end_matches(" {").to_owned())
        .collect()
}

fn is_public(text: &str) -> bool {
    text.starts_with("pub ")
}

fn is_member(line: &str) -> bool {
    let Some(text) = line.strip_prefix("    ") else {
        return false;
    };
    text.starts_with(|first: char| first.is_ascii_alphabetic())
}
