//! The corridor: `lib.rs` lists the modules in the order in which a request meets them, and each
//! imports only from those above it.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn modules_import_only_from_modules_above_them() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let root = fs::read_to_string(src.join("lib.rs")).unwrap();
    let modules: Vec<&str> = root.lines().filter_map(module_name).collect();
    assert!(modules.len() > 10, "lib.rs lists the modules: {modules:?}");

    for (position, module) in modules.iter().enumerate() {
        for file in files_of(&src, module) {
            let text = fs::read_to_string(&file).unwrap();
            for imported in imports(without_tests(&text)) {
                assert!(
                    !modules.iter().skip(position + 1).any(|it| *it == imported),
                    "{} imports from `{imported}`, which comes after `{module}`",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn no_span_guard_is_held_and_no_unsafe_code_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let library = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    assert!(library.contains("#![forbid(unsafe_code)]"));
    for directory in ["src", "examples"] {
        for file in files_below(root.join(directory)) {
            let text = fs::read_to_string(&file).unwrap();
            for guard in [".entered()", ".enter()"] {
                assert!(!text.contains(guard), "{}: {guard}", file.display());
            }
        }
    }
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("max_level"),
        "logging is for the application to configure"
    );
}

#[test]
fn imports_are_seen_in_every_form() {
    let code = "use crate::a::A;\n// crate::no\nuse crate::{\n    b::{B, c::C},\n    d::D,\n};\n\
        #[cfg(test)]\nmod helpers;\nfn f() -> crate::e { g(crate::f) }\n\
        #[cfg(test)]\nmod tests {\n    use crate::z::Z;\n}";
    assert_eq!(imports(without_tests(code)), ["a", "b", "d", "e", "f"]);
}

/// Tests in the file itself may use everything; a module of tests elsewhere ends nothing here.
fn without_tests(text: &str) -> &str {
    let starts = ["mod tests {", "pub(crate) mod tests {"]
        .map(|start| text.find(&format!("#[cfg(test)]\n{start}")));
    let end = starts.into_iter().flatten().min().unwrap_or(text.len());
    text.split_at(end).0
}

/// What stands behind `crate::`, alone or in braces.
fn imports(code: &str) -> Vec<String> {
    let lines = code.lines().map(str::trim);
    let code: String = lines.filter(|line| !line.starts_with("//")).collect();
    let mut names = Vec::new();
    for path in code.split("crate::").skip(1) {
        let Some(group) = path.strip_prefix('{') else {
            names.push(first_name(path));
            continue;
        };
        let mut depth = 0;
        let mut members = vec![String::new()];
        for character in group.chars() {
            match character {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => members.push(String::new()),
                _ if depth == 0 => members.last_mut().unwrap().push(character),
                _ => {}
            }
        }
        names.extend(members.iter().map(|member| first_name(member.trim())));
    }
    names.retain(|name| !name.is_empty());
    names
}

fn first_name(path: &str) -> String {
    let letters = path.chars();
    letters
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

fn module_name(line: &str) -> Option<&str> {
    let line = line.trim_start_matches("pub ");
    line.strip_prefix("mod ")?.strip_suffix(';')
}

fn files_of(src: &Path, module: &str) -> Vec<PathBuf> {
    let mut files = files_below(src.join(module));
    files.push(src.join(format!("{module}.rs")));
    files.retain(|file| file.is_file());
    files
}

fn files_below(directory: PathBuf) -> Vec<PathBuf> {
    let (mut files, mut directories) = (Vec::new(), vec![directory]);
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).into_iter().flatten() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => directories.push(path),
                false => files.push(path),
            }
        }
    }
    files
}
