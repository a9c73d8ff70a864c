//! Module order: a module imports only from siblings that are listed above it. So `lib.rs` lists the
//! modules in the order in which a request passes them.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use std::collections::{BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

#[test]
fn modules_import_only_from_siblings_above_them() {
    let mut violations = Vec::new();
    for file in crate_roots() {
        let root = Module::new("crate".to_owned(), file);
        assert!(!root.children().is_empty(), "{}", root.file.display());
        check_children(&root, &mut violations);
    }
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

fn check_children(module: &Module, violations: &mut Vec<String>) {
    let children = module.children();
    let prefix = format!("{}::", module.path);
    let re_exports = module.re_exports(&children);
    for (position, child) in children.iter().enumerate() {
        for file in child.with_descendants() {
            let imports = file.imports();
            let names = imports.iter().filter_map(|path| path.strip_prefix(&prefix));
            let names = names.map(first_name);
            let names = names.map(|name| re_exports.get(&name).cloned().unwrap_or(name));
            let names: BTreeSet<String> = names.collect();
            for later in children.iter().skip(position + 1) {
                if names.contains(later.name()) {
                    let (file, child, later) = (file.file.display(), child.name(), later.name());
                    violations.push(format!(
                        "{file} imports from `{later}`, which comes after `{child}`"
                    ));
                }
            }
        }
        check_children(child, violations);
    }
}

#[test]
fn no_span_guard_is_held_and_no_unsafe_code_is_written() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut directories = vec![root.join("examples")];
    for crate_root in crate_roots() {
        let text = fs::read_to_string(&crate_root).unwrap();
        let forbidden = text.contains("#![forbid(unsafe_code)]");
        assert!(forbidden, "{}", crate_root.display());
        directories.push(crate_root.parent().unwrap().to_owned());
    }
    for directory in directories {
        let files = files_below(directory).into_iter();
        for file in files.filter(|it| it.extension().is_some_and(|it| it == "rs")) {
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
fn imports_are_found_in_every_form() {
    let code = "use crate::a::A;\n// crate::no\nuse crate::{\n    b::{B, c::C},\n    d::*,\n};\n\
        use super::{e, f::F};\nuse super::super::g::G;\n\
        #[cfg(test)]\nmod helpers;\nfn h() -> crate::h { i(\ncrate::i::<super::j>) }\n\
        pub(super) fn k() {}\n#[cfg(test)]\nmod tests {\n    use crate::z::Z;\n}";
    let expected = [
        "crate::a::A",
        "crate::b::B",
        "crate::b::c::C",
        "crate::d",
        "crate::x::e",
        "crate::x::f::F",
        "crate::g::G",
        "crate::h",
        "crate::i",
        "crate::x::j",
    ];
    assert_eq!(imports(&without_tests(code), "crate::x::y"), expected);
}

/// Module of a crate: its path and its file.
struct Module {
    path: String,
    file: PathBuf,
}

impl Module {
    const fn new(path: String, file: PathBuf) -> Self {
        Self { path, file }
    }

    fn name(&self) -> &str {
        self.path.rsplit("::").next().unwrap()
    }

    fn code(&self) -> String {
        without_tests(&fs::read_to_string(&self.file).unwrap())
    }

    /// Modules that the file lists, in that order, without tests.
    fn children(&self) -> Vec<Self> {
        let folder = match self.file.file_stem().unwrap().to_str().unwrap() {
            "lib" | "main" | "mod" => self.file.parent().unwrap().to_owned(),
            _ => self.file.with_extension(""),
        };
        let code = self.code();
        let mut names: Vec<&str> = code.lines().filter_map(module_name).collect();
        names.retain(|name| *name != "tests");
        // A module may be listed twice, with and without a feature.
        names.dedup();
        let child = |name: &str| {
            let files = [format!("{name}.rs"), format!("{name}/mod.rs")];
            let mut files = files.iter().map(|file| folder.join(file));
            let file = files.find(|file| file.is_file()).unwrap();
            Self::new(format!("{}::{name}", self.path), file)
        };
        names.into_iter().map(child).collect()
    }

    fn with_descendants(&self) -> Vec<Self> {
        let mut all = vec![Self::new(self.path.clone(), self.file.clone())];
        all.extend(self.children().iter().flat_map(Self::with_descendants));
        all
    }

    /// Absolute paths of all items of the crate that the file imports or names.
    fn imports(&self) -> Vec<String> {
        imports(&self.code(), &self.path)
    }

    /// Names that the file re-exports, with the child that each comes from: importing such a name from
    /// here is importing from that child.
    fn re_exports(&self, children: &[Self]) -> HashMap<String, String> {
        let mut names = HashMap::new();
        for statement in self.code().split("use ").skip(1) {
            for path in expanded(statement) {
                let path = path.strip_prefix("self::").unwrap_or(&path);
                if let (child, Some((_, name))) = (first_name(path), path.rsplit_once("::"))
                    && children.iter().any(|it| it.name() == child)
                {
                    names.insert(name.to_owned(), child);
                }
            }
        }
        names
    }
}

fn crate_roots() -> Vec<PathBuf> {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR"));
    let members = fs::read_dir(workspace.join("crates")).into_iter().flatten();
    let members = members.map(|member| member.unwrap().path());
    let crates = members.chain([workspace.to_owned()]);
    let roots = crates.map(|member| member.join("src/lib.rs"));
    roots.filter(|root| root.is_file()).collect()
}

/// Code without comments and without the tests in the file, which may import from any module.
fn without_tests(text: &str) -> String {
    let starts = ["mod tests {", "pub(crate) mod tests {"]
        .map(|start| text.find(&format!("#[cfg(test)]\n{start}")));
    let end = starts.into_iter().flatten().min().unwrap_or(text.len());
    let lines = text.split_at(end).0.lines();
    let lines = lines.filter(|line| !line.trim_start().starts_with("//"));
    lines.flat_map(|line| [line, "\n"]).collect()
}

fn imports(code: &str, module: &str) -> Vec<String> {
    let mut paths = Vec::new();
    for start in ["crate::", "super::"]
        .iter()
        .flat_map(|it| code.match_indices(it))
    {
        let (before, path) = code.split_at(start.0);
        // The second `super::` of `super::super::` is no start of a path.
        if !before.ends_with("super::") {
            paths.extend(expanded(path).into_iter().map(|path| (start.0, path)));
        }
    }
    paths.sort_by_key(|(position, _)| *position);
    let paths = paths.into_iter().map(|(_, path)| path);
    paths.map(|path| absolute(module, &path)).collect()
}

fn absolute(module: &str, path: &str) -> String {
    match path.strip_prefix("super::") {
        Some(rest) => absolute(module.rsplit_once("::").unwrap_or_default().0, rest),
        None if path.starts_with("crate") => path.to_owned(),
        None => format!("{module}::{path}"),
    }
}

/// Paths at the start of `text`: one, or each of those in braces.
fn expanded(text: &str) -> Vec<String> {
    let text = text.trim_start();
    if let Some(group) = text.strip_prefix('{') {
        return members(group).into_iter().flat_map(expanded).collect();
    }
    let name = first_name(text);
    match text.split_at(name.len()).1.strip_prefix("::") {
        Some(rest) if !name.is_empty() => {
            let paths = expanded(rest).into_iter();
            let paths = paths.map(|path| format!("{name}::{path}"));
            paths
                .map(|it| it.trim_end_matches("::").to_owned())
                .collect()
        }
        _ => vec![name],
    }
}

/// Parts between commas, up to the brace that closes the group.
fn members(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut members) = (0, 0, Vec::new());
    for (position, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' if depth > 0 => depth -= 1,
            ',' | '}' if depth == 0 => {
                members.push(group.get(start..position).unwrap());
                start = position + 1;
                if character == '}' {
                    break;
                }
            }
            _ => {}
        }
    }
    members.retain(|member| !member.trim().is_empty());
    members
}

fn first_name(path: &str) -> String {
    let letters = path.chars();
    letters
        .take_while(|letter| letter.is_alphanumeric() || *letter == '_')
        .collect()
}

fn module_name(line: &str) -> Option<&str> {
    let (visibility, name) = line.strip_suffix(';')?.split_once("mod ")?;
    let visible = ["", "pub ", "pub(crate) ", "pub(super) "].contains(&visibility);
    visible.then_some(name)
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
