//! Words that must not be in code, tests and prose: see "Words" in `CONTRIBUTING.md`.
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

/// Words that test names must not contain either: the subject of a test is a thing, not a person.
const IN_TEST_NAMES: &[&str] = &[
    "who", "whom", "somebody", "someone", "anybody", "nobody", "guest",
];

const MAX_TEST_NAME_CHARS: usize = 60;

/// Names that contain one of the words: removed from a line before it is read.
const NAMES: &[&str] = &[
    "tower-warder",
    "tower_warder",
    "TOWER_WARDER",
    "mem::forget",
    ".forget()",
    // The name of the route in other frameworks.
    "forgot-password",
    "forgot_password",
    "ForgotPassword",
];

#[test]
fn banned_words_are_absent() {
    let mut found = String::new();
    for (path, text) in texts() {
        for (word, instead) in banned(&path) {
            found += &format!("{path}: `{word}` in its name; say: {instead}\n");
        }
        for (number, line) in (1..).zip(text.lines()) {
            if is_word_list(&path, line) {
                continue;
            }
            for (word, instead) in banned(line) {
                found += &format!("{path}:{number}: `{word}`; say: {instead}\n");
            }
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn test_names_are_short_and_plain() {
    let mut found = String::new();
    let sources = texts()
        .into_iter()
        .filter(|(path, _)| path.ends_with(".rs"));
    for (path, text) in sources {
        for name in test_names(&text) {
            if name.len() > MAX_TEST_NAME_CHARS {
                found += &format!("{path}: {name}: over {MAX_TEST_NAME_CHARS} characters\n");
            }
            for word in words(name) {
                if IN_TEST_NAMES.contains(&&*word) {
                    found += &format!("{path}: {name}: `{word}`; name the subject\n");
                }
            }
        }
    }
    assert!(found.is_empty(), "\n{found}");
}

#[test]
fn every_kind_of_file_is_read() {
    let texts = texts();
    let read: Vec<_> = texts.iter().map(|(path, _)| &**path).collect();
    for path in [
        "src/lib.rs",
        "src/docs/testing.md",
        "tests/it/main.rs",
        "tests/ui/swapped_arguments.rs",
        "tests/deploy/running.py",
        "tests/neighbours/src/lib.rs",
        "benches/nodes",
        "benches/soak",
        "benches/peers/src/lib.rs",
        "examples/quickstart.rs",
        "examples/tonic/src/greeter.proto",
        "examples/own_store/src/lib.rs",
        "examples/roles/tests/it.rs",
        "crates/accounts/README.md",
        "crates/accounts/tests/it/main.rs",
        "crates/accounts/examples/login.rs",
        "crates/redis/tests/it/main.rs",
        "crates/server/tests/it/main.rs",
        "crates/server/Cargo.toml",
        "crates/test-support/src/lib.rs",
        "docs/running.md",
        "fuzz/src/lib.rs",
        "deploy/Dockerfile",
        "deploy/compose.yaml",
        "deploy/haproxy.cfg",
        "deploy/.env.example",
        "deploy/tower-warder-server.service",
        ".ci/services",
        ".github/PULL_REQUEST_TEMPLATE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "Cargo.toml",
        "justfile",
    ] {
        assert!(read.contains(&path), "{path} is not read");
    }
    assert!(!read.iter().any(|path| path.contains("/target/")));
}

#[test]
fn test_names_are_found() {
    let text = "#[test]\nfn one() {}\nfn helper() {}\n\
        #[tokio::test(start_paused = true)]\n#[ignore]\nasync fn two() {}\n";
    assert_eq!(test_names(text), ["one", "two"]);
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

/// The names of test functions.
fn test_names(text: &str) -> Vec<&str> {
    let mut is_test = false;
    let mut names = Vec::new();
    for line in text.lines().map(str::trim_start) {
        is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
        let function = line.strip_prefix("async ").unwrap_or(line);
        if let Some(rest) = function.strip_prefix("fn ") {
            let name = rest.split(['(', '<']).next().unwrap_or_default();
            names.extend(is_test.then_some(name));
            is_test = false;
        }
    }
    names
}

/// Returns `true` for the table in `CONTRIBUTING.md` that lists the words.
fn is_word_list(path: &str, line: &str) -> bool {
    path == "CONTRIBUTING.md" && line.starts_with('|')
}

/// Path, relative to the root of the repository, and text of each file with code or prose.
fn texts() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = entries(root);
    files.retain(|file| file.is_file());
    for directory in DIRECTORIES {
        below(&root.join(directory), &mut files);
    }
    files.retain(|file| has_text(file));
    files.sort();
    let relative = |file: &Path| {
        let path = file.strip_prefix(root).unwrap().to_str().unwrap();
        path.replace(std::path::MAIN_SEPARATOR, "/")
    };
    files
        .iter()
        .map(|file| (relative(file), fs::read_to_string(file).unwrap()))
        // This file.
        .filter(|(path, _)| path != "tests/words.rs")
        .collect()
}

fn below(directory: &Path, files: &mut Vec<PathBuf>) {
    for entry in entries(directory) {
        match entry.is_dir() {
            true if entry.ends_with("target") => {}
            true => below(&entry, files),
            false => files.push(entry),
        }
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Scripts have no extension. Other files without one are not ours, such as licences and secrets.
fn has_text(file: &Path) -> bool {
    let is_in = |directory| file.parent().is_some_and(|it| it.ends_with(directory));
    match file.extension() {
        Some(extension) => EXTENSIONS.iter().any(|it| extension == *it),
        None => {
            is_in(".ci")
                || is_in("benches")
                || file.ends_with("justfile")
                || file.ends_with("Dockerfile")
        }
    }
}

const DIRECTORIES: &[&str] = &[
    ".ci", ".github", "benches", "crates", "deploy", "docs", "examples", "fuzz", "src", "tests",
];

const EXTENSIONS: &[&str] = &[
    "cfg", "example", "md", "mjs", "proto", "py", "rs", "service", "stderr", "toml", "yaml", "yml",
];
