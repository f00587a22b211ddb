//! Every example of the README and of the man page is run, and the README shows what it prints.

use crate::harness::{
    Folder, KEY, Run, Server, answer, folder, is_installed, json_answer, shell, skip,
};

/// The examples of the man page.
pub const MAN_EXAMPLES: [(&str, &str); 17] = [
    ("Ask a question:", "anyask \"What is a monad, in one sentence?\""),
    (
        "Ask about the output of another command:",
        "git diff --staged | anyask \"Write a commit message\" > message.txt",
    ),
    (
        "Give Claude a role, and ask for a short answer:",
        "anyask -s \"You are an editor. Use at most 50 words\" < notes.txt",
    ),
    (
        "Print one field of the server's JSON answer:",
        "anyask --json \"Name three rivers\" | jq -r .usage.output_tokens",
    ),
    (
        "Ask for an answer that follows a JSON schema, which is a field of the API:",
        "echo '{\"format\": {\"type\": \"json_schema\",\n  \"schema\": {\"type\": \"object\"}}}' > format.json\n\
         anyask --set output_config=@format.json \"Invent a person\"",
    ),
    (
        "Show what would be sent, and send nothing:",
        "anyask --dry-run -s \"Be brief\" --stop END hi | jq .",
    ),
    (
        "Rehearse a rate limit with the built-in test server, which needs no key:",
        "anyask --mock=429 --retries 0 hi || test $? -eq 7",
    ),
    (
        "Rehearse an answer that is cut off:",
        "anyask --mock=cut \"one two three four\" || test $? -eq 10",
    ),
    (
        "Ask a server on this machine:",
        "ANYROUTER_API_KEY=none \\\nanyask --base-url http://localhost:8080 -m my-model hi",
    ),
    (
        "Ask about a file and standard input:",
        "git diff --staged | anyask -f notes.txt \"Does it fit the notes?\"",
    ),
    (
        "Ask about every text file that git knows:",
        "git ls-files -z '*.txt' | anyask --files-from - \"Review these files\"",
    ),
    (
        "Continue a conversation that is kept in a file:",
        "anyask --chat talk.jsonl \"What is AI?\"\nanyask --chat talk.jsonl \"How does it work?\"",
    ),
    (
        "Write only the code of an answer to a file; exit status 10 means that it has no code:",
        "anyask -x -o hello.sh \"Say hello in a script\" || test $? -eq 10",
    ),
    (
        "Print an answer only if a command accepts it; exit status 13 means that it did not:",
        "anyask --check 'grep -q 42' \"What is 6 times 7?\" || test $? -eq 13",
    ),
    (
        "Ask one question for each line of a file; the same command continues after an interruption:",
        "anyask --batch=question.txt -o results.jsonl --resume \"In one word\"",
    ),
    (
        "Log each request, and count the tokens:",
        "anyask --log log.jsonl hi\njq -s 'map(.input_tokens + .output_tokens) | add' log.jsonl",
    ),
    (
        "Record an answer, and replay it without a server or a key:",
        "anyask --record answers.jsonl hi\nenv -u ANYROUTER_API_KEY anyask --replay answers.jsonl hi",
    ),
];

/// What Claude answers to the README's questions, which are known by a few words. Other questions are repeated.
const ANSWERS: [(&str, &str); 13] = [
    ("tallest mountain", "Olympus Mons, a shield volcano about 22 km high."),
    ("Write a commit message\n", "Note the second step"),
    ("Do the notes answer", "Yes: the second line does."),
    ("Which of these files", "None of them."),
    ("Say hello", "Here it is:\n\n```python\nprint(\"Hello, world\")\n```\n"),
    ("Works well", "good"),
    ("Good or bad", "bad"),
    ("checked your last answer", "```json\n{\"name\": \"Ada\"}\n```"),
    ("Invent a person", "```json\n{\"age\": 36}\n```"),
    ("Name a river", "The Danube"),
    ("a monad?", "A type that chains steps."),
    ("a functor?", "A type that maps them."),
    ("changelog", "- Begin the notes"),
];

const MODELS: &str =
    r#"{"data":[{"id":"claude-haiku-4-5"},{"id":"claude-opus-4-7"},{"id":"claude-sonnet-5"}]}"#;

/// A fenced block of the README. `sh` is a script, which has to succeed. `console` is what one sees in a terminal:
/// commands after `$ `, and what they print.
pub struct Block {
    pub language: &'static str,
    pub text: &'static str,
}

pub fn readme_blocks() -> Vec<Block> {
    let parts = include_str!("../../README.md").split("\n```");
    let block = |part: &'static str| {
        let (language, text) = part.split_once('\n')?;
        Some(Block { language, text })
    };
    let blocks: Vec<_> = parts.skip(1).step_by(2).filter_map(block).collect();
    assert!(blocks.len() >= 15, "the README's examples were not found");
    blocks
}

/// The script of the README that has these words in it.
#[track_caller]
pub fn readme_script(words: &str) -> &'static str {
    let blocks = readme_blocks();
    let block = blocks.iter().find(|block| block.language == "sh" && block.text.contains(words));
    block.expect("the script").text
}

/// A home folder that is also a git repository with a change, and has the files that examples speak of. Where an
/// example asks another server, `anyask` asks the one of `--mock`.
pub fn home() -> Folder {
    let program = env!("CARGO_BIN_EXE_anyask");
    let anyask = format!(
        "#!/bin/sh\ncase \"$*\" in *--base-url*) set -- --mock \"$@\" ;; esac\nexec '{program}' \"$@\"\n"
    );
    let home = folder()
        .with("bin/anyask", anyask)
        .with("bin/cargo", "#!/bin/sh\n[ \"$1\" != run ] || { shift 2; exec anyask \"$@\"; }\n")
        .with("bin/rustup", "#!/bin/sh\n")
        .with("notes.txt", "one\n")
        .with("question.txt", "Why?\n")
        .with("app.log", "[ERROR] disk full\n")
        .with("picture.png", b"\x89PNG\r\n\x1a\n\0")
        .with("reviews.csv", REVIEWS);
    let setup = "chmod +x bin/*; git init -q; git config user.name me; git config user.email me@example.com; \
                 git add notes.txt; git commit -qm Begin; echo two >> notes.txt; git add notes.txt";
    shell("sh", setup).in_dir(&home).env("HOME", &home.name("")).exits(0);
    home
}

/// A script of this home folder's owner, who asks this server.
pub fn at_home(home: &Folder, server: &Server, shell_name: &str, script: &str) -> Run {
    let path = std::env::var("PATH").unwrap_or_default();
    shell(shell_name, script)
        .base_url(server)
        .env("HOME", &home.name(""))
        .env("PATH", &format!("{}:{path}", home.name("bin")))
        .in_dir(home)
}

/// Answers the README's questions.
fn claude() -> Server {
    Server::handling(|_, request| {
        if request.head.starts_with("GET ") {
            return json_answer(MODELS);
        }
        let question = format!("{}\n", request.prompt());
        let known = ANSWERS.iter().find(|(words, _)| question.contains(words));
        json_answer(&answer(known.map_or(question.trim_end(), |(_, answer)| answer)))
    })
}

/// Says which of these tools is missing.
fn lacks(tools: &[&str]) -> bool {
    let missing = tools.iter().find(|tool| !is_installed(tool));
    missing.inspect(|tool| skip(&format!("{tool} is not installed"))).is_some()
}

/// The commands of a session as a script, and what they print on both streams.
fn session(text: &str) -> (String, String) {
    let mut script = String::from("exec 2>&1\nset +e\n");
    let mut output = String::new();
    let mut continues = false;
    for line in text.split_inclusive('\n') {
        let command = line.strip_prefix("$ ").or(continues.then_some(line));
        continues = command.is_some_and(|command| command.ends_with("\\\n"));
        match command {
            Some(command) => script += command,
            None => output += line,
        }
    }
    (script, output)
}

/// The text as it is where the server is AnyRouter's.
fn at_anyrouter(text: &str) -> String {
    let mut parts = text.split("127.0.0.1:");
    let first = parts.next().unwrap_or_default().to_string();
    let rest = parts.map(|part| part.trim_start_matches(|char: char| char.is_ascii_digit()));
    rest.fold(first, |text, part| text + "api.anyrouter.top" + part)
}

#[test]
fn the_readme_works_from_top_to_bottom() {
    if lacks(&["jq", "python3"]) {
        return;
    }
    let (home, server) = (home(), claude());
    for Block { language, text } in readme_blocks() {
        // what is pasted into the terminal
        let text = text
            .replace("cat > ~/.config/anyask/key", &format!("echo {KEY} > ~/.config/anyask/key"));
        match language {
            "sh" => drop(
                at_home(&home, &server, "bash", &text).prints_something().mentions("").exits(0),
            ),
            // .ci/machines runs these
            "console" if text.contains("parallel") => {}
            "console" => {
                let (script, output) = session(&text);
                let printed = at_home(&home, &server, "bash", &script).prints_something().exits(0);
                assert_eq!(at_anyrouter(printed.trim_end()), output.trim_end(), "{text}");
            }
            _ => panic!("a block that is not run: {text}"),
        }
    }
}

#[test]
fn every_man_example_runs() {
    if lacks(&["jq"]) {
        return;
    }
    for (_, example) in MAN_EXAMPLES {
        let (home, server) = (home(), claude());
        let run = at_home(&home, &server, "sh", example).env("ANYROUTER_API_KEY", KEY);
        run.prints_something().mentions("").exits(0);
    }
}

const REVIEWS: &str = "id,review\r\n1,\"Good, but \"\"slow\"\",\r\nand loud\"\r\n2,Bad\r\n";

#[test]
fn the_csv_recipe_keeps_commas_quotes_and_line_ends() {
    if lacks(&["jq", "python3"]) {
        return;
    }
    let home = home();
    let recipe = readme_script("answers.csv");
    at_home(&home, &Server::echo(), "bash", recipe)
        .env("ANYROUTER_API_KEY", KEY)
        .mentions("2 answered")
        .exits(0);
    let question = "Good or bad? One word";
    let says = "Good, but \"\"slow\"\",\r\nand loud";
    let answers = format!(
        "\"id\",\"review\",\"answer\"\n\"1\",\"{says}\",\"{says}\n\n{question}\"\n\"2\",\"Bad\",\"Bad\n\n{question}\"\n"
    );
    assert_eq!(home.read("answers.csv"), answers);
}

#[test]
fn the_readmes_completions_work_in_a_fresh_home() {
    let (home, server) = (home(), claude());
    let run = |shell: &str, script: &str| at_home(&home, &server, shell, script);
    run("sh", readme_script("complete-bash")).exits(0);
    let bash = "source ~/.local/share/bash-completion/completions/anyask; complete -p anyask";
    run("bash", bash).prints_something().exits(0);
    if is_installed("zsh") {
        let zsh = "source ~/.zshrc; print $_comps[anyask]; alias anyask";
        run("zsh", zsh).prints("_anyask\nanyask='noglob anyask'\n").exits(0);
    }
    if is_installed("fish") {
        let fish = "exec fish -c \"complete --do-complete 'anyask --fallb'\"";
        run("sh", fish)
            .prints("--fallback\tModel to ask if the others fail; repeatable\n")
            .exits(0);
    }
}
