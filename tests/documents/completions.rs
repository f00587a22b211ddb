//! The completions: clap's for zsh, fish and Nushell, completed where they fall short, and our own for the shells for
//! which clap knows no values, or takes a word of the prompt for a flag or a subcommand.

use anyask::cli::Args;
use anyask::mock::STEPS;
use clap::builder::PossibleValuesParser;
use clap::{Arg, Command, CommandFactory, ValueHint};
use clap_complete::{Generator, Shell};
use clap_complete_nushell::Nushell;

/// Stands for the names of the profiles, which each shell lists in its own way.
const PROFILES: &str = "PROFILES";

/// The command as completions see it: profiles and steps are known values.
fn command() -> Command {
    let names = PossibleValuesParser::new([PROFILES]);
    let steps = STEPS.iter().map(|(name, _)| *name).chain(["401", "429", "500", "529"]);
    let steps = PossibleValuesParser::new(steps);
    let command = Args::command().mut_arg("profile", |arg| arg.value_parser(names));
    let mut command = command.mut_arg("mock", |arg| arg.value_parser(steps));
    command.build();
    command
}

fn by_clap(shell: impl Generator) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "anyask", &mut script);
    String::from_utf8(script).expect("a script in UTF-8")
}

/// The flags: all but the prompt.
fn flags(command: &Command) -> impl Iterator<Item = &Arg> {
    command.get_arguments().filter(|arg| !arg.is_positional())
}

/// `-m` and `--model`
fn names(arg: &Arg) -> Vec<String> {
    let short = arg.get_short().map(|short| format!("-{short}"));
    short.into_iter().chain([format!("--{}", long(arg))]).collect()
}

/// The names of the flags that may have a value, after `=`.
fn optional(command: &Command) -> impl Iterator<Item = &str> {
    flags(command).filter(|arg| arg.is_require_equals_set()).map(long)
}

fn long(arg: &Arg) -> &str {
    arg.get_long().expect("every flag has a long name")
}

/// What a value may come after: `-m`, `--model` and `--model=`, or `--batch=` alone.
fn before_value(arg: &Arg) -> Vec<String> {
    let mut names = names(arg);
    names.retain(|_| !arg.is_require_equals_set());
    names.push(format!("--{}=", long(arg)));
    names
}

/// The known values of a flag, none if a value may be any text, or `None` if it is a file or there is no value.
fn values(arg: &Arg) -> Option<Vec<String>> {
    let known: Vec<_> =
        arg.get_possible_values().iter().map(|value| value.get_name().to_string()).collect();
    let is_text = arg.get_value_hint() == ValueHint::Other;
    (arg.get_action().takes_values() && (is_text || !known.is_empty())).then_some(known)
}

fn help(arg: &Arg) -> String {
    arg.get_help().map(ToString::to_string).unwrap_or_default()
}

/// Clap's script completes `--model=so` not at all, and a word of the prompt to a flag.
pub fn bash() -> String {
    let command = command();
    let cases = flags(&command).filter_map(|arg| {
        let words = values(arg)?.join(" ");
        Some(format!("        {}) words='{words}' ;;\n", before_value(arg).join(" | ")))
    });
    let all: Vec<_> = flags(&command).flat_map(names).collect();
    let profiles = "$(cd \"${XDG_CONFIG_HOME:-$HOME/.config}/anyask/profiles\" 2>/dev/null && compgen -f -X '*.*')";
    include_str!("completions.bash")
        .replace("        CASES\n", &cases.collect::<String>())
        .replace("FLAGS", &all.join(" "))
        .replace("'PROFILES'", profiles)
}

/// With clap's script, no flag comes after a word of the prompt, a single match is listed only, and an optional value is
/// the next word.
pub fn zsh() -> String {
    let command = command();
    let prompt = command.get_positionals().next().map(help).unwrap_or_default();
    let script = by_clap(Shell::Zsh)
        .replace(&format!("'*::prompt -- {prompt}:'"), &format!("'*:prompt -- {prompt}:_files'"))
        .replace("(PROFILES)", r"(${XDG_CONFIG_HOME\:-$HOME/.config}/anyask/profiles/^*.*(N\:t))");
    let script = script.replace(":HEADER:'", ":HEADER:{compset -P @ && _files}'");
    optional(&command).fold(script, |script, flag| {
        script.replace(&format!("'--{flag}=["), &format!("'--{flag}=-["))
    })
}

/// With clap's script, an optional value is the next word.
pub fn fish() -> String {
    let profiles = "'(command ls (test -n \"$XDG_CONFIG_HOME\" && echo $XDG_CONFIG_HOME || echo ~/.config)/anyask/profiles 2>/dev/null | string match -v \"*.*\")'";
    let script = by_clap(Shell::Fish).replace("\"PROFILES\\t''\"", profiles);
    let files = "-a '(set -l path (commandline -ct | string replace -rf \"^(-H|--header=)?@\" \"\"); for file in $path*; echo @$file; end)'";
    let (before, header) = script.split_once(" -l header ").expect("the flag");
    let script =
        format!("{before} -l header {}", header.replacen(" -r -f", &format!(" -r -f {files}"), 1));
    optional(&command()).fold(script, |script, flag| {
        let (before, rest) = script.split_once(&format!(" -l {flag} ")).expect("the flag");
        format!("{before} -l {flag} {}", rest.replacen(" -r ", " ", 1))
    })
}

/// Nushell has no optional values: it asks for the value, or passes it on as a word of the prompt. Flags that it does
/// not know are passed on as they are.
pub fn nushell() -> String {
    let profiles = "    try { ls ($env.XDG_CONFIG_HOME? | default ($env.HOME | path join .config) | path join anyask profiles) | get name | path basename | where $it !~ '\\.' } catch { [] }";
    let script = by_clap(Nushell).replace("    [ \"PROFILES\" ]", profiles);
    let command = command();
    let known =
        |line: &&str| !optional(&command).any(|flag| line.starts_with(&format!("    --{flag}: ")));
    script.lines().filter(known).map(|line| line.to_string() + "\n").collect()
}

/// Clap's script knows no values, and takes a word of the prompt for a subcommand.
pub fn elvish() -> String {
    let command = command();
    let specs = flags(&command).map(|arg| {
        let short = arg.get_short().map(|short| format!("&short={short} ")).unwrap_or_default();
        let value = if arg.is_require_equals_set() {
            " &arg-optional=$true"
        } else if arg.get_action().takes_values() {
            " &arg-required=$true"
        } else {
            ""
        };
        let completer = match values(arg) {
            _ if arg.get_id() == "header" => " &completer=$header~".into(),
            Some(words) => format!(" &completer=(one-of {})", words.join(" ")),
            None if value.is_empty() => String::new(),
            None => " &completer=$files~".into(),
        };
        format!(
            "        [{short}&long={} &desc='{}'{value}{completer}]\n",
            long(arg),
            help(arg).replace('\'', "''")
        )
    });
    let short = flags(&command).filter(|arg| arg.get_action().takes_values());
    include_str!("completions.elv")
        .replace("        SPECS\n", &specs.collect::<String>())
        .replace("SHORT", &short.filter_map(Arg::get_short).collect::<String>())
        .replace("(one-of PROFILES)", "(one-of (profiles))")
}

/// Clap's script knows no values, and takes a word of the prompt for a subcommand.
pub fn powershell() -> String {
    let command = command();
    let cases = flags(&command).filter_map(|arg| {
        let words = values(arg).filter(|words| !words.is_empty())?;
        let (names, words) = (before_value(arg).join("', '"), words.join("', '"));
        Some(format!("        {{ $_ -cin '{names}' }} {{ '{words}' }}\n"))
    });
    let script = by_clap(Shell::PowerShell);
    let flags = script.lines().filter(|line| line.contains("[CompletionResult]::new("));
    let flags: String = flags.map(|line| format!("        {}\n", line.trim_start())).collect();
    let profiles = "Get-ChildItem \"$config/anyask/profiles\" -File -Name -ErrorAction Ignore | Where-Object { $_ -notlike '*.*' }";
    include_str!("completions.ps1")
        .replace("        CASES\n", &cases.collect::<String>())
        .replace("        FLAGS\n", &flags)
        .replace("'PROFILES'", profiles)
}
