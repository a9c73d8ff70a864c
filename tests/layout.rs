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
            let code = text.split("#[cfg(test)]").next().unwrap();
            for line in code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                for below in modules.iter().skip(position + 1) {
                    assert!(
                        !line.contains(&format!("crate::{below}::")),
                        "{} imports from `{below}`, which comes after `{module}`: {line}",
                        file.display()
                    );
                }
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
