//! What the README says is so. `examples` runs its examples.

use std::fs;

use super::{man, root};

const README: &str = include_str!("../../README.md");

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
