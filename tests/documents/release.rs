//! The version of Cargo.toml, the headings of CHANGELOG.md and the man page agree.

use super::page;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const CHANGELOG: &str = include_str!("../../CHANGELOG.md");

/// A released version, from its heading in CHANGELOG.md: `## 0.2.0 (2026-11-25)`.
pub struct Release {
    pub version: &'static str,
    pub day: &'static str,
}

fn headings() -> impl Iterator<Item = &'static str> {
    CHANGELOG.lines().filter_map(|line| line.strip_prefix("## "))
}

pub fn newest_release() -> Release {
    let release = |heading: &'static str| {
        let (version, day) = heading.strip_suffix(')')?.split_once(" (")?;
        Some(Release { version, day })
    };
    headings().find_map(release).expect("a release in CHANGELOG.md")
}

#[test]
fn version_changelog_and_man_page_agree() {
    let newest = newest_release();
    let first = headings().next().expect("a heading");
    if let Some(next) = VERSION.strip_suffix("-dev") {
        assert_eq!(first, "Unreleased");
        assert_ne!(newest.version, next, "{next} is released: raise the version in Cargo.toml");
    } else {
        assert_eq!(first, format!("{VERSION} ({})", newest.day));
    }
    let title = format!(".TH ANYASK 1 {} \"anyask {VERSION}\" \"User Commands\"", newest.day);
    assert_eq!(page::page().lines().next(), Some(title.as_str()));
}

#[test]
fn an_entry_of_the_changelog_is_one_line() {
    for line in CHANGELOG.lines() {
        assert!(!line.starts_with(' ') && line.chars().count() <= 120, "{line}");
    }
}
