//! What holds for all sources. The import rule: imports go strictly down, `input` and `output` never meet, and no layer
//! has a circle inside. How messages are written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may import. `jsonl`, `mock`, `shell` and `sync` stand beside `error` at the bottom.
const ALLOWED: [(&str, &[&str]); 12] = [
    ("main", &[]),
    (
        "lib",
        &["command", "cli", "api", "input", "output", "error", "jsonl", "mock", "shell", "sync"],
    ),
    ("command", &["cli", "input", "output", "api", "jsonl", "shell", "error", "sync"]),
    ("cli", &["input", "output", "api", "mock", "shell", "error", "sync"]),
    ("input", &["api", "jsonl", "error", "sync"]),
    ("output", &["api", "error", "sync"]),
    ("api", &["error", "sync"]),
    ("jsonl", &["error", "sync"]),
    ("mock", &["error"]),
    ("shell", &[]),
    ("sync", &[]),
    ("error", &[]),
];

/// A source file, without its unit tests.
struct Source {
    layer: String,
    /// The modules below the layer, `["batch", "queue"]` for `command/batch/queue.rs`.
    module: Vec<String>,
    code: String,
    text: String,
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of src").flatten();
    let paths = entries.map(|entry| entry.path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn sources() -> Vec<Source> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let source = |path: PathBuf| {
        let inside = path.strip_prefix(&src).expect("a path inside src").with_extension("");
        let mut names = inside.iter().map(|name| name.to_string_lossy().into_owned());
        let layer = names.next().expect("a layer");
        let module = names.filter(|name| name != "mod").collect();
        let text = fs::read_to_string(&path).expect("a source file");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        Source { layer, module, code, text }
    };
    let sources: Vec<_> = files(&src).into_iter().map(source).collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

/// The first names after each `prefix` in the code.
fn names_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    let ends = code.split(prefix).skip(1);
    ends.map(|rest| rest.chars().take_while(|char| is_name(*char)).collect()).collect()
}

#[test]
fn imports_go_strictly_down() {
    for Source { layer, module, code, .. } in sources() {
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == layer).expect("a known layer");
        for target in names_after(&code, "crate::") {
            let fits = allowed.contains(&target.as_str()) || target == layer;
            assert!(fits, "{layer} {module:?} imports {target}, which is not below it");
        }
        assert!(!code.contains("::*"), "{layer} {module:?} has a glob import");
    }
}

#[test]
fn no_layer_has_a_circle_inside() {
    let mut imports: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for Source { layer, module, code, .. } in sources() {
        if let [file] = &module[..] {
            imports.insert((layer, file.clone()), names_after(&code, "super::"));
        }
    }
    for (layer, file) in imports.keys() {
        let mut reached = vec![file];
        let mut seen = BTreeSet::new();
        while let Some(next) = reached.pop() {
            for target in imports.get(&(layer.clone(), next.clone())).into_iter().flatten() {
                assert_ne!(target, file, "{layer}/{file} imports itself by way of {next}");
                if seen.insert(target) {
                    reached.push(target);
                }
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is() {
    for Source { layer, module, text, .. } in sources() {
        assert!(
            text.starts_with("//! ") || layer == "main",
            "{layer} {module:?} has no first line"
        );
    }
}

/// The text in quotes that begins an argument of each `call`.
fn literals<'a>(code: &'a str, call: &'a str) -> impl Iterator<Item = &'a str> {
    code.split(call).skip(1).filter_map(|rest| {
        let (before, literal) = rest.split_once('"')?;
        let end = literal.match_indices('"').find(|(at, _)| !literal[..*at].ends_with('\\'))?.0;
        (!before.contains([')', ';'])).then(|| &literal[..end])
    })
}

#[test]
fn messages_begin_in_lower_case_and_have_no_full_stop() {
    let calls = ["Failure::new(", "usage_error(", "setup_error(", "broken(", "hint(", "note("];
    let mut count = 0;
    for Source { layer, module, code, .. } in sources() {
        for message in calls.iter().flat_map(|call| literals(&code, call)) {
            let first_word = message.split(' ').next().unwrap_or_default();
            let is_name = first_word.len() > 1 && first_word == first_word.to_uppercase();
            let is_lower = !message.starts_with(char::is_uppercase) || is_name;
            assert!(is_lower && !message.ends_with('.'), "{layer} {module:?}: {message}");
            count += 1;
        }
    }
    assert!(count > 100, "only {count} messages were found");
}
