//! What README, CONTRIBUTING and SECURITY say is so. `examples` runs the README's examples.

use std::collections::BTreeSet;
use std::fs;

use super::{man, root};

const README: &str = include_str!("../../README.md");
const CONTRIBUTING: &str = include_str!("../../CONTRIBUTING.md");
const SECURITY: &str = include_str!("../../SECURITY.md");

#[test]
fn the_readme_is_short_enough_to_be_read() {
    assert!(README.lines().count() <= 300, "{} lines", README.lines().count());
    let long = README.lines().find(|line| !line.starts_with('|') && line.chars().count() > 120);
    assert_eq!(long, None);
}

#[test]
fn the_readme_names_the_oldest_rust_that_works() {
    let rust = concat!("Rust ", env!("CARGO_PKG_RUST_VERSION"), " or newer");
    assert!(README.contains(rust), "{rust}");
}

#[test]
fn the_readme_lists_every_exit_status() {
    for (kind, meaning) in man::STATUSES {
        let status = kind as u8;
        assert!(README.contains(&format!("| {status} | {meaning} |")), "{status}: {meaning}");
    }
}

#[test]
fn the_readme_names_tests_that_are_there() {
    let names: Vec<&str> =
        README.split("`cargo test ").skip(1).filter_map(|rest| rest.split('`').next()).collect();
    assert!(names.len() >= 2, "{names:?}");
    let sources: String = fs::read_dir(root().join("tests"))
        .expect("tests")
        .filter_map(|file| fs::read_to_string(file.ok()?.path()).ok())
        .collect();
    for name in names {
        assert!(sources.contains(&format!("fn {name}")), "{name}");
    }
}

/// The heading as it is in a link.
fn anchor(heading: &str) -> String {
    heading.to_lowercase().replace(' ', "-")
}

#[test]
fn links_lead_to_files_and_headings_that_are_there() {
    let mut count = 0;
    for text in [README, CONTRIBUTING, SECURITY] {
        let headings: Vec<_> =
            text.lines().filter_map(|line| line.strip_prefix("## ")).map(anchor).collect();
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_there = match target.strip_prefix('#') {
                Some(heading) => headings.contains(&heading.into()),
                None => target.starts_with("https://") || root().join(target).exists(),
            };
            assert!(is_there, "{target}");
            count += 1;
        }
    }
    assert!(count > 10, "only {count} links were found");
}

#[test]
fn contributing_explains_every_crate_and_no_other() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let tables = manifest.split("\n[").filter(|table| {
        let name = table.split(']').next().unwrap_or_default();
        name.ends_with("dependencies") && !name.starts_with("dev-")
    });
    let crates: BTreeSet<&str> = tables
        .flat_map(|table| table.lines().skip(1))
        .filter_map(|line| line.split_once(" = "))
        .map(|(name, _)| name)
        .collect();
    let (_, section) = CONTRIBUTING.split_once("\n## Crates\n").expect("the section");
    let rows = section.lines().filter_map(|line| line.strip_prefix("| `"));
    let names = rows.filter_map(|row| row.split(" | ").next()).flat_map(|names| names.split(", "));
    let explained: BTreeSet<&str> = names.map(|name| name.trim_matches('`')).collect();
    assert_eq!(explained, crates);
}
