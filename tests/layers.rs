//! The import rule, held: imports go strictly down the line, `input` and `output` never meet,
//! and no room has a circle inside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// What each room may import of the others.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("build", &[]),
    (
        "main",
        &[
            "command", "settings", "input", "output", "api", "mock", "error",
        ],
    ),
    (
        "command",
        &["settings", "input", "output", "api", "mock", "error"],
    ),
    ("settings", &["input", "output", "api", "mock", "error"]),
    ("input", &["api", "error"]),
    ("output", &["api", "error"]),
    ("api", &["error"]),
    ("mock", &[]),
    ("error", &[]),
];

/// Every source file as (room, file, text), tests left out.
fn sources() -> Vec<(String, String, String)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![src.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("src").flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let inside = path.strip_prefix(&src).expect("inside src");
            let parts: Vec<_> = inside
                .iter()
                .map(|part| part.to_string_lossy().replace(".rs", ""))
                .collect();
            let text = fs::read_to_string(&path).expect("a source file");
            let text = text
                .split("#[cfg(test)]\nmod tests")
                .next()
                .unwrap_or_default();
            let file = parts.get(1).cloned().unwrap_or_default();
            found.push((parts[0].clone(), file, text.to_string()));
        }
    }
    assert!(found.len() > 20, "the sources were not found");
    found
}

/// The first names after each `prefix` in `text`.
fn names_after(text: &str, prefix: &str) -> BTreeSet<String> {
    let code = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"));
    let code = code.collect::<Vec<_>>().join("\n");
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    code.split(prefix)
        .skip(1)
        .map(|rest| rest.chars().take_while(|char| is_name(*char)).collect())
        .collect()
}

#[test]
fn imports_go_strictly_down() {
    for (room, file, text) in sources() {
        let (_, allowed) = ALLOWED
            .iter()
            .find(|(name, _)| *name == room)
            .expect("a room of the house");
        for target in names_after(&text, "crate::") {
            let fits = allowed.contains(&target.as_str());
            assert!(
                fits,
                "{room}/{file} imports {target}, which is not below it"
            );
        }
        assert!(!text.contains("::*"), "{room}/{file} has a glob import");
    }
}

#[test]
fn no_room_has_a_circle_inside() {
    let mut imports: BTreeMap<(String, String), BTreeSet<String>> = BTreeMap::new();
    for (room, file, text) in sources() {
        if file != "mod" {
            imports.insert((room, file), names_after(&text, "super::"));
        }
    }
    for (room, file) in imports.keys() {
        let mut reached: Vec<&String> = vec![file];
        let mut seen = BTreeSet::new();
        while let Some(next) = reached.pop() {
            for target in imports
                .get(&(room.clone(), next.clone()))
                .into_iter()
                .flatten()
            {
                assert_ne!(
                    target, file,
                    "{room}/{file} imports itself by way of {next}"
                );
                if seen.insert(target) {
                    reached.push(target);
                }
            }
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for (room, file, text) in sources() {
        assert!(
            text.starts_with("//! "),
            "{room}/{file} does not open with what lives there"
        );
    }
}
