//! Words that must not come back into code and prose: see "Words" in `CONTRIBUTING.md`.
//!
//! Single words are found inside of identifiers as well: `judge_by`, `DoorResponses`.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::{Path, PathBuf};

/// Each with what to say instead.
const WORDS: &[(&str, &str)] = &[
    ("door doors", "guard, extractor or layer"),
    ("room rooms", "service, router, space or capacity"),
    ("stranger strangers", "anonymous client, anyone or attacker"),
    ("warder warders", "guard"),
    (
        "whoever whomever whosoever whosesoever",
        "the client, the caller, users that …",
    ),
    (
        "judge judges judged judging judgement judgements",
        "verify, check or decide",
    ),
    (
        "dear dearer dearest cheap cheaper cheapest cheaply",
        "expensive, slower, costs less",
    ),
    ("mend mends mended mending", "fix"),
    ("seat seats", "admin grant"),
    (
        "fault faults faulty flaw flaws flawed",
        "error, validation error, bug or broken",
    ),
    (
        "forget forgets forgetting forgot forgotten",
        "invalidate, remove or missing",
    ),
];

/// The same for words that are wrong only together.
const PHRASES: &[(&str, &str)] = &[
    ("turned away", "rejected"),
    ("turns away", "rejects"),
    ("turn away", "reject"),
    ("let in", "admitted or authorized"),
    ("lets in", "admits or authorizes"),
    ("stands aside", "is bypassed"),
    ("stand aside", "be bypassed"),
    ("stood aside", "was bypassed"),
    ("speaks of", "identifies"),
    ("at last", "nothing, or finally"),
    ("as ever", "as before"),
    ("come over", "migrate"),
    ("comes over", "migrates"),
    ("nobody else", "no other client"),
    ("all of it", "everything"),
];

/// What has one of the words and is not ours to change: taken out of a line before it is read.
const NAMES: &[&str] = &[
    "tower-warder",
    "tower_warder",
    "TOWER_WARDER",
    "mem::forget",
    ".forget()",
];

#[test]
fn banned_words_are_absent() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = files(root);
    assert!(files.len() > 50, "the sources are found: {}", files.len());

    let mut found = String::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let path = file.strip_prefix(root).unwrap().display();
        for (number, line) in (1..).zip(text.lines()) {
            for (word, instead) in banned(line) {
                found += &format!("{path}:{number}: `{word}`; say: {instead}\n");
            }
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn banned_words_are_found_in_prose_and_identifiers() {
    for (line, word) in [
        ("/// The doors of axum.", "doors"),
        ("//! A Stranger, again", "stranger"),
        ("fn judge_by(key: &Key) {", "judge"),
        ("pub struct DoorResponses;", "door"),
        ("a warder, and tower-warder", "warder"),
        ("std::mem::forget(forgetting)", "forgetting"),
        ("It is Turned Away.", "turned away"),
    ] {
        let found: Vec<_> = banned(line).into_iter().map(|(word, _)| word).collect();
        assert_eq!(found, [word], "{line}");
    }
}

#[test]
fn parts_of_other_words_are_not_found() {
    for line in [
        "use tower_warder::AuthLayer; // of tower-warder",
        "Default::default(), outdoors, mushroom, amendment, endear, seated",
        "let in_flight = let_in; all_of_its",
        "std::mem::forget(guard)",
    ] {
        assert!(banned(line).is_empty(), "{line}: {:?}", banned(line));
    }
}

/// The banned words of a line, each with what to say instead.
fn banned(line: &str) -> Vec<(&'static str, &'static str)> {
    let line = NAMES
        .iter()
        .fold(line.to_owned(), |line, name| line.replace(name, ""));
    let words = words(&line);
    let text = line.to_lowercase();
    let mut found = Vec::new();
    for (forms, instead) in WORDS {
        let forms = forms
            .split(' ')
            .filter(|form| words.iter().any(|word| word == form));
        found.extend(forms.map(|form| (form, *instead)));
    }
    for (phrase, instead) in PHRASES {
        if has_phrase(&text, phrase) {
            found.push((*phrase, *instead));
        }
    }
    found
}

/// In lower case; `camelCase` and `snake_case` are two words each.
fn words(line: &str) -> Vec<String> {
    let mut spaced = String::with_capacity(line.len());
    let mut last = ' ';
    for letter in line.chars() {
        if last.is_lowercase() && letter.is_uppercase() {
            spaced.push(' ');
        }
        spaced.extend(letter.to_lowercase());
        last = letter;
    }
    let words = spaced.split(|letter: char| !letter.is_alphabetic());
    words
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

fn has_phrase(text: &str, phrase: &str) -> bool {
    let in_word = |letter: Option<char>| letter.is_some_and(|it| it.is_alphanumeric() || it == '_');
    text.match_indices(phrase).any(|(start, _)| {
        let (before, rest) = text.split_at(start);
        let (_, after) = rest.split_at(phrase.len());
        !in_word(before.chars().next_back()) && !in_word(after.chars().next())
    })
}

/// Sources of all crates, READMEs and documentation.
fn files(root: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut crates = vec![root.to_owned()];
    crates.extend(entries(&root.join("crates")));
    for directory in crates {
        below(&directory.join("src"), &mut files);
        files.push(directory.join("README.md"));
    }
    files.extend(entries(&root.join("docs")));
    files.retain(|file| {
        file.is_file() && file.extension().is_some_and(|it| it == "rs" || it == "md")
    });
    files.sort();
    files
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in entries(directory) {
        match entry.is_dir() {
            true => below(&entry, files),
            false => files.push(entry),
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}
