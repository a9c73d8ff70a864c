//! Runs each target with its seeds, and with the inputs that it once failed for.

use std::fs;
use std::path::{Path, PathBuf};

use tower_warder_fuzz::TARGETS;

#[test]
fn seeds_and_regressions_pass() {
    for target in TARGETS {
        let seeds = files("seeds", target.name);
        assert!(!seeds.is_empty(), "{}", target.name);
        for file in seeds.into_iter().chain(files("regressions", target.name)) {
            println!("{}", file.display());
            target.run(&fs::read(file).unwrap());
        }
    }
}

#[test]
fn folders_are_named_like_targets() {
    for folder in ["seeds", "regressions"] {
        for entry in fs::read_dir(root().join(folder)).into_iter().flatten() {
            let name = entry.unwrap().file_name();
            let known = TARGETS.iter().any(|target| *target.name == *name);
            assert!(known, "{folder}/{}", name.display());
        }
    }
}

fn files(folder: &str, target: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(root().join(folder).join(target));
    let entries = entries.into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
