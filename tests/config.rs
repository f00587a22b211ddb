//! Config and profile files: what they say, what overrides them, and what is wrong with them.

use serde_json::json;

#[cfg(unix)]
use crate::harness::bash;
use crate::harness::{CONFLICT, Folder, Run, Server, anyask, folder};

/// A config folder with a config file and the profile `work`.
fn with_files(config: impl AsRef<[u8]>, profile: &str) -> Folder {
    folder().with("anyask/config", config).with("anyask/profiles/work", profile)
}

/// The program with this config folder.
fn anyask_in<const N: usize>(folder: &Folder, args: [&str; N]) -> Run {
    anyask(args).env("XDG_CONFIG_HOME", &folder.name(""))
}

/// How an error in the config file begins.
fn at_line(folder: &Folder, line: usize) -> String {
    format!("anyask: {}:{line}: ", folder.join("anyask/config").display())
}

#[test]
fn reads_a_flag_and_its_value_from_each_line() {
    let config =
        "# mine\n\n  --system You are \"terse\", # not shy \n-t 0\n--max-tokens=9\n--stop\tEND\n";
    let body = anyask_in(&with_files(config, ""), ["hi"]).dry_run();
    assert_eq!(body["system"], "You are \"terse\", # not shy");
    assert_eq!(body["temperature"], 0.0);
    assert_eq!(body["max_tokens"], 9);
    assert_eq!(body["stop_sequences"], json!(["END"]));
}

#[test]
fn reads_a_value_after_an_equals_sign() {
    let folder = with_files("--system=You are = terse\n--stop ---\n--stop=- x", "");
    let body = anyask_in(&folder, ["hi"]).dry_run();
    assert_eq!(body["system"], "You are = terse");
    assert_eq!(body["stop_sequences"], json!(["---", "- x"]));
}

#[test]
fn reads_the_file_in_the_home_folder_without_xdg_config_home() {
    let home = folder().with(".config/anyask/config", "--model mine");
    let run = || anyask(["hi"]).env("HOME", &home.name(""));
    assert_eq!(run().dry_run()["model"], "mine");
    assert_eq!(run().env("XDG_CONFIG_HOME", "relative").dry_run()["model"], "mine");
}

/// Other systems have no such names.
#[cfg(target_os = "linux")]
#[test]
fn reads_the_file_in_a_folder_whose_name_is_not_utf8() {
    for variable in ["HOME", "XDG_CONFIG_HOME"] {
        let config = if variable == "HOME" { ".config/anyask" } else { "anyask" };
        let script = format!(
            "export {variable}=$PWD/$'caf\\xe9'; mkdir -p ${variable}/{config}/profiles\n\
             echo '--model mine' > ${variable}/{config}/config; echo '-t 1' > ${variable}/{config}/profiles/p\n\
             anyask -p p --dry-run hi"
        );
        let body = bash(&script).in_dir(&folder()).json();
        assert_eq!((&body["model"], &body["temperature"]), (&"mine".into(), &1.0.into()));
    }
}

/// Every pair of places, the stronger one named first.
#[test]
fn the_command_line_beats_environment_profile_and_file_in_order() {
    let empty = with_files("", "");
    let both = with_files("--model config", "--model profile");
    let config = with_files("--model config", "");
    let profile = with_files("", "--model profile");
    let with_profile = |folder| anyask_in(folder, ["-p", "work", "hi"]);
    let typed = |folder| with_profile(folder).args(&["-m", "typed"]);
    let variable = |run: Run| run.env("ANYROUTER_MODEL", "variable");
    for (run, model) in [
        (variable(typed(&empty)), "typed"),
        (typed(&profile), "typed"),
        (typed(&config), "typed"),
        (variable(with_profile(&profile)), "variable"),
        (variable(with_profile(&config)), "variable"),
        (with_profile(&both), "profile"),
        (with_profile(&config), "config"),
        (anyask_in(&both, ["hi"]), "config"),
        (anyask_in(&both, ["--no-config", "hi"]), "claude-3-5-sonnet-20241022"),
    ] {
        assert_eq!(run.dry_run()["model"], model);
    }
}

#[test]
fn the_base_url_is_chosen_in_the_same_order() {
    let folder =
        with_files("--base-url https://config.example", "--base-url https://profile.example");
    let curl = |args: &[&str]| anyask_in(&folder, ["--curl", "hi"]).args(args);
    let variable = |run: Run, url: &str| run.env("ANYROUTER_BASE_URL", url);
    let typed = &["--base-url", "https://typed.example"];
    for (run, host) in [
        (curl(&[]), "config.example"),
        (curl(&["-p", "work"]), "profile.example"),
        (variable(curl(&["-p", "work"]), "https://variable.example"), "variable.example"),
        (variable(curl(typed), "x"), "typed.example"),
    ] {
        let printed = run.output();
        assert!(printed.contains(&format!("'https://{host}/v1/messages'")), "{printed}");
    }
}

#[test]
fn the_key_of_the_environment_beats_the_key_command_of_a_file() {
    let folder = with_files("--api-key-command echo of-the-file", "");
    for (args, key, sent) in [
        (&[][..], "", "of-the-file"),
        (&[], "own", "own"),
        (&["--api-key-command", "echo typed"], "own", "typed"),
    ] {
        let server = Server::answering("ok");
        let run = anyask_in(&folder, ["hi"]).args(args).base_url(&server);
        run.env("ANYROUTER_API_KEY", key).prints("ok\n").exits(0);
        let expected = format!("Bearer {sent}");
        assert_eq!(server.request().header("authorization"), Some(expected.as_str()));
    }
}

#[test]
fn repeatable_flags_add_up() {
    let folder = with_files("--stop a\n--stop b\n--set x=1", "--stop c\n--set x=2");
    let body = anyask_in(&folder, ["-p", "work", "--stop", "d", "hi"]).dry_run();
    assert_eq!(body["stop_sequences"], json!(["a", "b", "c", "d"]));
    assert_eq!(body["x"], 2);
}

#[test]
fn the_command_line_turns_off_what_a_file_turns_on() {
    let folder = with_files("--no-stream\n--quiet\n--no-stdin\n--json", "");
    let typed = ["--stream", "--no-json", "--no-quiet", "--stdin", "hi"];
    let body = anyask_in(&folder, typed).stdin("piped").dry_run();
    assert_eq!(body["stream"], true);
    assert_eq!(body["messages"][0]["content"], "piped\n\nhi");
}

#[test]
fn a_profile_turns_off_what_the_config_file_turns_on() {
    let folder = with_files("--json\n--quiet", "--no-json");
    anyask_in(&folder, ["--mock", "-p", "work", "hi"]).prints("hi\n").exits(0);
}

#[test]
fn ignores_a_flag_of_a_file_that_conflicts_with_a_stronger_one() {
    let folder = with_files("--system-file /nowhere\n--json\n--quiet", "--system mine");
    assert_eq!(anyask_in(&folder, ["-p", "work", "hi"]).dry_run()["system"], "mine");
    anyask_in(&folder, ["--mock", "-p", "work", "-x", "-v", "```\nx\n```"])
        .prints("x\n")
        .mentions("> POST")
        .exits(0);
}

#[test]
fn an_error_names_the_file_and_the_line() {
    for (line, why) in [
        ("--modle opus", "unknown flag '--modle'\nhint: did you mean --model?\n"),
        (
            "-t warm",
            "invalid value 'warm' for --temperature <X>: it must be a number from 0.0 to 1.0\n",
        ),
        (
            "model opus",
            "'model opus' is not a flag\nhint: a line is one flag, for example --model opus\n",
        ),
        ("--json yes", "--json takes no value\nhint: write one flag per line\n"),
        ("-uS", "-u takes no value\nhint: write one flag per line\n"),
        ("--system", "--system <TEXT> needs a value\n"),
        (
            "-m opus -q",
            "--model 'opus -q': a model ID has no blanks\nhint: write one flag per line\n",
        ),
        (
            "-t 1 -q",
            "invalid value '1 -q' for --temperature <X>: it must be a number from 0.0 to 1.0\nhint: write one flag per line\n",
        ),
    ] {
        let folder = with_files(format!("# first\n--strict\n{line}"), "");
        anyask_in(&folder, ["--mock", "hi"]).says(&(at_line(&folder, 3) + why)).exits(3);
    }
}

#[test]
fn quotes_around_a_value_are_an_error() {
    for line in ["--model \"opus\"", "--stop='END'", "-s \"\"", "--file \"a b.txt\""] {
        let flag = line.split([' ', '=']).next().unwrap_or_default();
        let folder = with_files(format!("# first\n{line}"), "");
        let why = format!(
            "the quotes would be a part of {flag}\nhint: no shell reads this file, so write the value without quotes\n"
        );
        anyask_in(&folder, ["--mock", "hi"]).says(&(at_line(&folder, 2) + &why)).exits(3);
    }
    let config = "--stop \"\n--stop \"a\" or \"b\"\n--stop 'c\"\n--set x=\"@d\"";
    let body = anyask_in(&with_files(config, ""), ["hi"]).dry_run();
    assert_eq!(body["stop_sequences"], json!(["\"", "\"a\" or \"b\"", "'c\""]));
    assert_eq!(body["x"], "@d");
    if cfg!(unix) {
        // the shell that runs a command takes the quotes off
        let folder = with_files("--check 'true'", "");
        anyask_in(&folder, ["--mock", "hi"]).prints("hi\n").exits(0);
    }
}

#[test]
fn an_error_names_the_second_of_two_lines_that_conflict() {
    let folder = with_files("--strict\n--extract\n--json", "");
    anyask_in(&folder, ["--mock", "hi"]).mentions(&at_line(&folder, 3)).mentions(CONFLICT).exits(3);
}

#[test]
fn some_flags_are_for_the_command_line_only() {
    for line in
        ["--dry-run", "--profile x", "--no-config", "--jobs 3", "--batch=items", "--version"]
    {
        let flag = line.split([' ', '=']).next().unwrap_or_default();
        let folder = with_files(line, "");
        let why = format!("{flag} works only on the command line\n");
        anyask_in(&folder, ["--mock", "hi"]).says(&(at_line(&folder, 1) + &why)).exits(3);
    }
}

#[test]
fn an_unusable_value_names_the_file_and_the_line() {
    for (line, why, hint) in [
        (
            "--base-url example.com",
            "--base-url example.com: the URL does not begin with https:// or http://",
            "for example https://api.anyrouter.top or http://localhost:8080",
        ),
        (
            "--header nonsense",
            "--header 'nonsense': the header has no value",
            "a header is 'Name: value', for example 'x-trace: ci-42'",
        ),
        ("--set model=opus", "use --model instead of --set model", ""),
        (
            "--mock=maybe",
            "--mock: 'maybe' is not a step",
            "a step is ok, cut, max_tokens, refusal, quota, botcheck, overloaded or a status from 200 to 599: --mock=429,ok",
        ),
    ] {
        let folder = with_files(format!("--strict\n{line}"), "");
        let hint = if hint.is_empty() { String::new() } else { format!("hint: {hint}\n") };
        anyask_in(&folder, ["--mock", "hi"])
            .says(&format!("{}{why}\n{hint}", at_line(&folder, 2)))
            .exits(3);
    }
}

#[test]
fn a_line_with_a_bad_value_names_the_file_and_the_line() {
    for (line, why) in [
        ("--log -", "invalid value '-' for --log <FILE>: it must be a file\n"),
        (
            "--set x={",
            "--set x: the value is not valid JSON: EOF while parsing an object at column 1\n\
             hint: JSON has double quotes around names and strings: --set 'metadata={\"user_id\":\"ci\"}'\n",
        ),
    ] {
        let folder = with_files(format!("# first\n\n{line}"), "");
        anyask_in(&folder, ["hi"]).says(&(at_line(&folder, 3) + why)).exits(3);
    }
}

#[test]
fn what_a_line_causes_later_has_its_ordinary_status() {
    let missing = "No such file or directory\n";
    let json = "--check cannot be used with --json --stream\n";
    for (line, why, status) in [
        ("--file /nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--system-file /nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--prompt-file /nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--files-from /nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--set x=@/nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--header @/nowhere", format!("cannot read /nowhere: {missing}"), 1),
        ("--api-key-file /nowhere", format!("cannot read the key file /nowhere: {missing}"), 3),
        ("--api-key-command exit 4", "the key command failed: exit status: 4\nhint: run it in a shell to see why\n".into(), 3),
        ("--chat /nowhere/c", format!("cannot write to /nowhere/c: {missing}"), 1),
        ("-o /nowhere/o", format!("cannot write to /nowhere/o: {missing}"), 1),
        ("--log /nowhere/l", format!("cannot write to /nowhere/l: {missing}"), 1),
        ("--base-url http://example.com", "--base-url http://example.com: http:// would send the key unencrypted to example.com\nhint: use https://, or --allow-http if you trust the network\n".into(), 2),
        ("--json\n--stream\n--check true", json.into(), 2),
    ] {
        let folder = with_files(line, "");
        anyask_in(&folder, ["hi"]).says(&format!("anyask: {why}")).exits(status);
    }
    let why = "cannot run the command of --check: it printed nothing\n";
    let folder = with_files("--check exit 127", "");
    anyask_in(&folder, ["--mock", "hi"]).says(&format!("< hi\nanyask: {why}")).exits(3);
    for (line, typed, why) in [
        (
            "--system-file -",
            &["--no-stdin", "hi"][..],
            "--system-file - cannot be used with --no-stdin",
        ),
        ("--file -", &["-"], "standard input can be read only once"),
        ("--no-stdin", &["-"], "'-' cannot be used with --no-stdin"),
    ] {
        let folder = with_files(line, "");
        let run = anyask_in(&folder, ["--mock"]).args(typed);
        run.says(&format!("anyask: {why}\n")).exits(2);
    }
    let folder = with_files("--files-from list\n", "");
    folder.write("anyask/list", "\n/nowhere\n");
    let list = folder.name("anyask/list");
    let says = format!("anyask: {list}:2: cannot read /nowhere: {missing}");
    anyask_in(&folder, ["--mock", "hi"]).says(&says).exits(1);
}

#[test]
fn a_path_in_a_file_begins_at_the_file_or_at_the_home_folder() {
    let folder = with_files(
        "--system-file role.txt\n--file=sub/a.txt\n-f ~/b.txt\n--header @headers\n--set x=@~/x.json",
        "--prompt-file ../prompt.txt",
    );
    for (name, content) in [
        ("anyask/role.txt", "role"),
        ("anyask/sub/a.txt", "a\n"),
        ("anyask/headers", "x-team: ci"),
        ("anyask/prompt.txt", "why?"),
        ("home/b.txt", "b\n"),
        ("home/x.json", "{\"y\": [1]}\n"),
    ] {
        folder.write(name, content);
    }
    let run = || anyask_in(&folder, ["-p", "work"]).env("HOME", &folder.name("home"));
    let body = run().dry_run();
    assert_eq!((&body["system"], &body["x"]), (&"role".into(), &json!({"y": [1]})));
    let (a, b) = (folder.name("anyask/sub/a.txt"), folder.name("home/b.txt"));
    assert_eq!(
        body["messages"][0]["content"],
        format!(
            "<document path=\"{a}\">\na\n</document>\n<document path=\"{b}\">\nb\n</document>\n\nwhy?"
        )
    );
    run().arg("--mock").arg("-v").prints_something().mentions("> x-team: [redacted]\n").exits(0);
}

#[test]
fn a_relative_path_in_a_file_is_written_beside_the_file() {
    let folder = with_files("--chat talk\n-o answer\n--log ~/log", "").with("home/x", "");
    let run = anyask_in(&folder, ["--mock", "hi"]).env("HOME", &folder.name("home"));
    run.exits(0);
    assert_eq!(folder.read("anyask/answer"), "hi\n");
    assert_eq!(folder.json_lines("anyask/talk").len(), 2);
    assert_eq!(folder.json_lines("home/log").len(), 1);
}

#[cfg(unix)]
#[test]
fn what_is_not_a_path_in_a_file_stays_as_it_is() {
    let folder = with_files(
        "--file -\n-o -\n--api-key-command echo ~/key\n--set x=~/y\n--set z=a=@b\n--header x-a: ~/b\n--stop ~/s",
        "",
    );
    let server = Server::echo();
    anyask_in(&folder, ["hi"])
        .env("HOME", "/h")
        .base_url(&server)
        .stdin("piped")
        .prints("<document path=\"-\">\npiped\n</document>\n\nhi\n")
        .exits(0);
    let request = server.request();
    assert_eq!(request.header("authorization"), Some("Bearer /h/key"));
    assert_eq!(request.header("x-a"), Some("~/b"));
    assert_eq!(
        (&request.json()["x"], &request.json()["stop_sequences"][0]),
        (&"~/y".into(), &"~/s".into())
    );
    assert_eq!(request.json()["z"], "a=@b");
}

#[test]
fn reads_a_file_with_a_byte_order_mark() {
    for config in [&b"\xEF\xBB\xBF--model mine\n"[..], b"\xFF\xFE-\0m\0 \0m\0i\0n\0e\0\n\0"] {
        assert_eq!(anyask_in(&with_files(config, ""), ["hi"]).dry_run()["model"], "mine");
    }
}

#[test]
fn names_the_line_that_is_not_utf8() {
    let folder = with_files(b"--strict\n--system caf\xe9\n", "");
    anyask_in(&folder, ["--mock", "hi"])
        .says(&(at_line(&folder, 2) + "this is not UTF-8 text\n"))
        .exits(3);
}

#[test]
fn a_missing_profile_is_an_error() {
    let folder = with_files("", "");
    anyask_in(&folder, ["--mock", "-p", "play", "hi"])
        .says("anyask: there is no profile play\nhint: the only profile is work\n")
        .exits(3);
    folder.write("anyask/profiles/haiku", "");
    folder.write("anyask/profiles/work.bak", "");
    folder.write("anyask/profiles/folder/work", "");
    anyask_in(&folder, ["--mock", "-p", "play", "hi"])
        .says("anyask: there is no profile play\nhint: the profiles are haiku, work\n")
        .exits(3);
    let none = crate::harness::folder();
    anyask_in(&none, ["--mock", "-p", "play", "hi"])
        .matches("anyask: there is no profile play\nhint: a profile is a file in [^\n]*anyask/profiles\n")
        .exits(3);
    let place = folder.join("anyask/profiles");
    anyask_in(&folder, ["--mock", "-p", "work.bak", "hi"])
        .says(&format!("anyask: --profile work.bak: this is not a profile name\nhint: a profile is a file in {} without a dot in its name; a path has a slash in it\n", place.display()))
        .exits(2);
    anyask(["--mock", "-p", "play", "hi"])
        .says("anyask: cannot find the profile play: HOME is not set\n")
        .exits(3);
}

#[test]
fn help_version_and_generate_work_despite_errors_in_the_file() {
    let folder = with_files("--nonsense", "");
    for mode in ["--help", "-h", "--version", "--generate=man", "--list-models", "--no-config"] {
        anyask_in(&folder, [mode, "--mock"]).stdin("hi").output();
    }
}

#[test]
fn a_profile_and_no_config_contradict_each_other() {
    anyask_in(&with_files("", ""), ["--mock", "--no-config", "-p", "work", "hi"])
        .says(&format!("anyask: --no-config {CONFLICT} --profile <NAME>\n"))
        .exits(2);
}

#[test]
fn writes_no_file_that_no_flag_names() {
    let home = folder();
    let run = |args: &[&str]| {
        let run = anyask([]).args(args).in_dir(&home).env("HOME", &home.name(""));
        run.prints_something().stdin("hi\n")
    };
    for args in [&["--mock"][..], &["--mock", "--batch", "-q"], &["--dry-run"], &["--list-models"]]
    {
        run(args).exits(0);
    }
    run(&["--mock=cut"]).mentions("anyask: ").exits(10);
    assert_eq!(home.files(), []);
}

#[test]
fn a_home_that_is_no_folder_has_no_configuration() {
    for variable in ["HOME", "XDG_CONFIG_HOME"] {
        anyask(["--mock", "hi"]).env(variable, "/dev/null").prints("hi\n").exits(0);
        anyask(["-p", "work", "--mock", "hi"])
            .env(variable, "/dev/null")
            .mentions("anyask: there is no profile work\n")
            .exits(3);
    }
}

#[cfg(unix)]
#[test]
fn a_folder_that_may_not_be_entered_gets_one_note() {
    use crate::harness::{as_other_user, skip};
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    let home = folder().with(".config/anyask/config", "--model mine\n");
    let mode = |mode| fs::set_permissions(home.join(".config"), fs::Permissions::from_mode(mode));
    let Some(line) = as_other_user("anyask --mock hi") else { return skip("there is no setpriv") };
    fs::set_permissions(home.path(), fs::Permissions::from_mode(0o755)).expect("its mode");
    mode(0).expect("its mode");
    let config = home.name(".config/anyask/config");
    bash(&line)
        .env("HOME", &home.name(""))
        .prints("hi\n")
        .says(&format!("anyask: note: {config} is not read: you may not enter its folder\n"))
        .exits(0);
    mode(0o755).expect("its mode");
}
