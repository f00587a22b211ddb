//! What holds for all sources. The import rule: imports go strictly down, `input` and `output` never meet, and no layer
//! has a circle inside. How messages are written.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each layer may import. `disk`, `jsonl`, `mock`, `shell`, `stdio` and `sync` stand beside `error` at the bottom.
const ALLOWED: [(&str, &[&str]); 14] = [
    ("main", &[]),
    (
        "lib",
        &[
            "command", "cli", "api", "input", "output", "error", "disk", "jsonl", "mock", "shell",
            "stdio", "sync",
        ],
    ),
    ("command", &["cli", "input", "output", "api", "jsonl", "shell", "error", "stdio", "sync"]),
    ("cli", &["input", "output", "api", "mock", "shell", "error", "stdio", "sync"]),
    ("input", &["api", "jsonl", "error", "sync"]),
    ("output", &["api", "disk", "error", "stdio", "sync"]),
    ("api", &["error", "sync"]),
    ("jsonl", &["disk", "error", "stdio", "sync"]),
    ("mock", &["error"]),
    ("disk", &[]),
    ("shell", &[]),
    ("stdio", &[]),
    ("sync", &[]),
    ("error", &[]),
];

/// The names of a module below the crate, such as `command`, `batch` and `queue`.
type Module = Vec<String>;

/// A source file, without its unit tests.
struct Source {
    module: Module,
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
        let names = inside.iter().map(|name| name.to_string_lossy().into_owned());
        let module = names.filter(|name| name != "mod").collect();
        let text = fs::read_to_string(&path).expect("a source file");
        let text = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_string();
        let is_code = |line: &&str| !line.trim_start().starts_with("//");
        let code = text.lines().filter(is_code).collect::<Vec<_>>().join("\n");
        Source { module, code, text }
    };
    let sources: Vec<_> = files(&src).into_iter().map(source).collect();
    assert!(sources.len() > 20, "the sources were not found");
    sources
}

/// Where a word stands alone: what follows it.
fn after<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    let goes_on = |c: char| c.is_alphanumeric() || c == '_' || c == ':';
    let found = code.match_indices(word).filter(move |(at, _)| !code[..*at].ends_with(goes_on));
    found.map(|(at, word)| &code[at + word.len()..])
}

/// Reads a path, or the paths in braces, that go on from `start`, and adds them to `paths`. Returns what follows.
fn read_paths<'a>(mut code: &'a str, start: &[String], paths: &mut Vec<Module>) -> &'a str {
    let mut path = start.to_vec();
    loop {
        if let Some(mut list) = code.strip_prefix('{') {
            while !list.starts_with('}') {
                let rest = read_paths(list.trim_start(), &path, paths).trim_start();
                list = rest.strip_prefix(',').unwrap_or(rest).trim_start();
            }
            return &list[1..];
        }
        let end = code.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(code.len());
        match &code[..end] {
            "super" => drop(path.pop()),
            "self" => {}
            name => path.push(name.into()),
        }
        code = &code[end..];
        match code.strip_prefix("::") {
            Some(rest) => code = rest,
            None => break,
        }
    }
    paths.push(path);
    code
}

/// All paths below the crate that a file names; a `mod.rs` names its `children` without `super`.
fn named_paths(Source { module, code, .. }: &Source, children: &[&str]) -> Vec<Module> {
    let parent = &module[..module.len() - 1];
    let of_children = if module[0] == "lib" { parent } else { module };
    let starts = [("crate::", "", &[][..]), ("super::", "", parent)];
    let children = children.iter().map(|child| (*child, "::", of_children));
    let mut paths = Vec::new();
    for (word, colons, start) in starts.into_iter().chain(children) {
        let name = Some(word.to_string()).filter(|_| !colons.is_empty());
        let start: Module = start.iter().cloned().chain(name).collect();
        for rest in after(code, &format!("{word}{colons}")) {
            read_paths(rest, &start, &mut paths);
        }
    }
    paths
}

/// The modules that each module imports from. A name that a `mod.rs` only hands on is that of the file that has it.
fn imports() -> Vec<(Module, Module)> {
    let sources = sources();
    let modules: BTreeSet<Module> = sources.iter().map(|source| source.module.clone()).collect();
    let named: BTreeMap<&Module, Vec<Module>> = sources
        .iter()
        .map(|source| {
            let parent = if source.module[0] == "lib" { &[][..] } else { &source.module };
            let below = |other: &&Module| other.split_last().is_some_and(|(_, of)| of == parent);
            let children: Vec<_> =
                modules.iter().filter(below).map(|child| &*child[parent.len()]).collect();
            (&source.module, named_paths(source, &children))
        })
        .collect();
    let resolve = |path: &Module| {
        let mut path = path.clone();
        loop {
            let length =
                (1..=path.len()).rev().find(|length| modules.contains(&path[..*length]))?;
            let module = path[..length].to_vec();
            let is_it = |other: &&Module| {
                other.len() > length + 1
                    && other.starts_with(&module)
                    && other.last() == path.last()
            };
            match named[&module].iter().find(is_it) {
                Some(other) if path.len() > length => path = other.clone(),
                _ => return Some(module),
            }
        }
    };
    let pairs =
        named.iter().flat_map(|(module, paths)| paths.iter().map(move |path| (*module, path)));
    pairs.filter_map(|(module, path)| Some((module.clone(), resolve(path)?))).collect()
}

#[test]
fn imports_go_strictly_down() {
    for (module, target) in imports() {
        let (_, allowed) = ALLOWED.iter().find(|(name, _)| *name == module[0]).expect("a layer");
        let fits = allowed.contains(&&*target[0]) || target[0] == module[0];
        assert!(fits, "{} imports {}, which is not below it", module.join("/"), target.join("/"));
    }
    for Source { module, code, .. } in sources() {
        assert!(!code.contains("::*"), "{module:?} has a glob import");
    }
}

#[test]
fn no_room_has_a_circle_inside() {
    let imports = imports();
    let mut circles = Vec::new();
    for depth in 0..3 {
        // a file or a folder of a room, and what it imports from others of the same room
        let mut rooms: BTreeMap<Module, BTreeMap<&[String], BTreeSet<&[String]>>> = BTreeMap::new();
        for (module, target) in &imports {
            let inside = |path: &Module| {
                path.len() >= depth
                    && target.len() >= depth
                    && module[..depth.min(module.len())] == target[..depth]
            };
            let (from, to) =
                (&module[..module.len().min(depth + 1)], &target[..target.len().min(depth + 1)]);
            if inside(module) && from != to {
                rooms
                    .entry(module[..depth].to_vec())
                    .or_default()
                    .entry(from)
                    .or_default()
                    .insert(to);
            }
        }
        for room in rooms.values() {
            for start in room.keys() {
                let mut paths = vec![vec![*start]];
                let mut seen = BTreeSet::new();
                while let Some(path) = paths.pop() {
                    for next in room.get(path.last().expect("a step")).into_iter().flatten() {
                        let path = [&path[..], &[*next]].concat();
                        if next == start {
                            let names: Vec<_> = path.iter().map(|step| step.join("/")).collect();
                            circles.push(names.join(" → "));
                        } else if seen.insert(*next) {
                            paths.push(path);
                        }
                    }
                }
            }
        }
    }
    assert!(circles.is_empty(), "circles:\n{}", circles.join("\n"));
}

#[test]
fn a_type_has_its_methods_in_its_own_file() {
    let mut count = 0;
    for Source { module, code, .. } in sources() {
        for line in code.lines().filter(|line| line.starts_with("impl") && line.ends_with('{')) {
            let rest = line[4..].split_once("> ").filter(|_| line.starts_with("impl<"));
            let rest = rest.map_or(line[4..].trim(), |(_, rest)| rest);
            let name = rest.split(['<', ' ']).next().expect("a name");
            let is_here =
                ["struct", "enum"].iter().any(|kind| code.contains(&format!("{kind} {name}")));
            assert!(is_here || line.contains(" for "), "{module:?} has methods of {name}");
            count += 1;
        }
    }
    assert!(count > 50, "only {count} impl blocks were found");
}

#[test]
fn every_file_says_what_it_is() {
    for Source { module, text, .. } in sources() {
        assert!(text.starts_with("//! ") || module[0] == "main", "{module:?} has no first line");
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
    for Source { module, code, .. } in sources() {
        for message in calls.iter().flat_map(|call| literals(&code, call)) {
            let first_word = message.split(' ').next().unwrap_or_default();
            let is_name = first_word.len() > 1 && first_word == first_word.to_uppercase();
            let is_lower = !message.starts_with(char::is_uppercase) || is_name;
            assert!(is_lower && !message.ends_with('.'), "{module:?}: {message}");
            count += 1;
        }
    }
    assert!(count > 100, "only {count} messages were found");
}
