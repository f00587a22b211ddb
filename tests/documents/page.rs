//! The man page. Its options come from the flags, its exit statuses from the table of statuses, its prose from `man`.

use clap::builder::ArgAction;
use clap::{Arg, CommandFactory};
use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use anyask::cli::Args;

use super::examples::MAN_EXAMPLES;
use super::fields::{KINDS, PROMISE};
use super::man::{
    AUTHORS, BUGS, COMPLETIONS, COPYRIGHT, DESCRIPTION, ENVIRONMENT, FILES, FILES_MORE, FLAGS,
    SECTIONS, STATUSES, STATUSES_MORE, TROUBLES,
};
use super::release::newest_release;

/// The flags that came after 0.1, and the version that they came with.
const SINCE: [(&str, &[&str]); 2] = [
    (
        "0.2",
        &[
            "check",
            "check-retries",
            "fallback",
            "files-from",
            "max-cost",
            "prompt-file",
            "record",
            "replay",
        ],
    ),
    ("0.3", &["alias", "cache", "line-numbers", "max-time", "rate"]),
];

/// How many flags 0.1 had.
const OF_THE_FIRST_VERSION: usize = 48;

pub fn page() -> String {
    let mut roff = Roff::new();
    let version = concat!("anyask ", env!("CARGO_PKG_VERSION"));
    roff.control("TH", ["ANYASK", "1", newest_release().day, version, "User Commands"]);
    // a flag or a variable that is broken at a hyphen cannot be copied
    roff.control("nh", []);
    // JSON that is stretched to the margin reads badly
    roff.control("ad", ["l"]);
    roff.control("SH", ["NAME"]);
    roff.text([roman("anyask - ask Claude a question from the shell")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([
        bold("anyask"),
        roman(" ["),
        italic("OPTIONS"),
        roman("] ["),
        italic("PROMPT"),
        roman("]..."),
    ]);
    section(&mut roff, "DESCRIPTION", &DESCRIPTION);
    section(&mut roff, "OPTIONS", &[FLAGS]);
    options(&mut roff);
    roff.control("SH", ["EXIT STATUS"]);
    terms(&mut roff, STATUSES.map(|(kind, meaning)| ((kind as u8).to_string(), meaning)));
    paragraphs(&mut roff, &STATUSES_MORE);
    roff.control("SH", ["ENVIRONMENT"]);
    terms(&mut roff, ENVIRONMENT);
    roff.control("SH", ["FILES"]);
    terms(&mut roff, FILES);
    paragraphs(&mut roff, &FILES_MORE);
    for (title, texts) in SECTIONS {
        section(&mut roff, title, texts);
    }
    paragraphs(&mut roff, &["What errors say, and what to do:"]);
    terms(&mut roff, TROUBLES);
    roff.control("SH", ["COMPLETIONS"]);
    terms(&mut roff, COMPLETIONS);
    section(&mut roff, "FIELDS OF FILES", &[PROMISE]);
    for (kind, fields) in KINDS {
        roff.control("SS", [kind]);
        terms(
            &mut roff,
            fields.iter().map(|(name, types, meaning)| (*name, format!("{types}: {meaning}"))),
        );
    }
    examples(&mut roff);
    section(&mut roff, "BUGS", &BUGS);
    section(&mut roff, "AUTHORS", &[AUTHORS]);
    section(&mut roff, "COPYRIGHT", &[COPYRIGHT]);
    roff.control("SH", ["SEE ALSO"]);
    roff.text([
        bold("curl"),
        roman("(1), "),
        bold("jq"),
        roman("(1), "),
        bold("parallel"),
        roman("(1)"),
    ]);
    roff.to_roff()
}

fn section(roff: &mut Roff, title: &str, texts: &[&str]) {
    roff.control("SH", [title]);
    roff.text([roman(texts[0])]);
    paragraphs(roff, &texts[1..]);
}

fn paragraphs(roff: &mut Roff, texts: &[&str]) {
    for text in texts {
        roff.control("PP", []);
        roff.text([roman(*text)]);
    }
}

fn terms<T: Into<String>, M: Into<String>>(
    roff: &mut Roff,
    terms: impl IntoIterator<Item = (T, M)>,
) {
    for (term, meaning) in terms {
        roff.control("TP", []);
        roff.text([bold(term.into())]);
        roff.text([roman(meaning.into())]);
    }
}

/// The flags under their headings, each with its complete help.
fn options(roff: &mut Roff) {
    let mut command = Args::command();
    command.build();
    let heading = |arg: &Arg| arg.get_help_heading().unwrap_or("Help").to_string();
    let mut headings: Vec<String> = Vec::new();
    for arg in command.get_opts().chain(command.get_arguments()) {
        if !arg.is_positional() && !headings.contains(&heading(arg)) {
            headings.push(heading(arg));
        }
    }
    for title in headings {
        roff.control("SS", [title.as_str()]);
        for arg in
            command.get_arguments().filter(|arg| !arg.is_positional() && heading(arg) == title)
        {
            roff.control("TP", []);
            roff.text(flag(arg));
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let more = arg.get_long_help().map(ToString::to_string).unwrap_or_default();
            let rest = more.strip_prefix(&help).unwrap_or_default();
            roff.text([roman(format!("{help}."))]);
            for paragraph in rest.split("\n\n").map(str::trim).filter(|text| !text.is_empty()) {
                roff.control("IP", []);
                roff.text([roman(paragraph.replace('\n', " "))]);
            }
            if let Some(version) = since(arg) {
                roff.control("IP", []);
                roff.text([roman(format!("Since {version}."))]);
            }
        }
    }
}

/// The version that a flag came with, if it was not the first one.
fn since(arg: &Arg) -> Option<&'static str> {
    let (version, _) =
        SINCE.iter().find(|(_, flags)| flags.iter().any(|flag| arg.get_long() == Some(flag)))?;
    Some(version)
}

/// `-m, --model ID`
fn flag(arg: &Arg) -> Vec<Inline> {
    let short = arg.get_short().map(|short| format!("-{short}"));
    let long = arg.get_long().map(|long| format!("--{long}"));
    let aliases = arg.get_visible_aliases().unwrap_or_default();
    let aliases = aliases.into_iter().map(|alias| format!("--{alias}"));
    let names: Vec<String> = short.into_iter().chain(long).chain(aliases).collect();
    let mut line = vec![bold(names.join(", "))];
    if matches!(arg.get_action(), ArgAction::Set | ArgAction::Append) {
        let name = arg.get_value_names().and_then(|names| names.first()).map(ToString::to_string);
        let name = name.unwrap_or_default();
        if arg.get_num_args().is_some_and(|count| count.min_values() == 0) {
            line.extend([roman("[="), italic(name), roman("]")]);
        } else {
            line.extend([roman(" "), italic(name)]);
        }
    }
    line
}

fn examples(roff: &mut Roff) {
    roff.control("SH", ["EXAMPLES"]);
    for (index, (what, command)) in MAN_EXAMPLES.into_iter().enumerate() {
        if index > 0 {
            roff.control("PP", []);
        }
        roff.text([roman(what)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.control("nf", []);
        roff.text([roman(command)]);
        roff.control("fi", []);
        roff.control("RE", []);
    }
}

/// The lines between .nf and .fi are not wrapped. They are indented by 11 columns.
#[test]
fn the_man_page_fits_80_columns() {
    for (_, command) in MAN_EXAMPLES {
        let long = command.lines().find(|line| line.chars().count() > 80 - 11);
        assert_eq!(long, None);
    }
    for (name, _) in TROUBLES.into_iter().chain(COMPLETIONS).chain(ENVIRONMENT).chain(FILES) {
        assert!(name.chars().count() <= 80 - 7, "{name}");
    }
}

/// A new flag has to be in `SINCE`.
#[test]
fn the_man_page_says_since_when_a_flag_is_there() {
    let command = Args::command();
    let flags: Vec<_> = command.get_arguments().filter_map(Arg::get_long).collect();
    let newer: Vec<_> = SINCE.iter().flat_map(|(_, flags)| *flags).collect();
    for flag in &newer {
        assert!(flags.contains(flag), "--{flag}");
    }
    assert_eq!(flags.len() - newer.len(), OF_THE_FIRST_VERSION);
}
