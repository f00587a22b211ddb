//! Errors of relays and firewalls, as their users report them: what is said, how it ends, how many requests it takes.

use std::panic::catch_unwind;
use std::time::SystemTime;

use crate::harness::{Server, anyask, http};

/// The file says how a case is written.
const CASES: &str = include_str!("relays/cases.txt");

/// What a relay answers, and what comes of it.
#[derive(Default)]
struct Case<'a> {
    exit: Option<i32>,
    requests: usize,
    fallback: Option<usize>,
    batch: Option<usize>,
    args: Vec<&'a str>,
    answers: Vec<Vec<u8>>,
    stdout: String,
    stderr: String,
}

impl<'a> Case<'a> {
    fn read(text: &'a str) -> Self {
        let mut case = Self { requests: 1, ..Self::default() };
        let mut sections = text.split("\n--- ");
        for line in sections.next().unwrap_or_default().lines() {
            match line.split_once(": ") {
                Some(("exit", status)) => case.exit = Some(status.parse().expect("a status")),
                Some(("requests", count)) => case.requests = count.parse().expect("a count"),
                Some(("fallback", count)) => case.fallback = Some(count.parse().expect("a count")),
                Some(("batch", count)) => case.batch = Some(count.parse().expect("a count")),
                Some(("args", words)) => case.args = words.split(' ').collect(),
                _ => panic!("this is not a fact: {line}"),
            }
        }
        for section in sections {
            let (title, content) = section.split_at(section.find('\n').unwrap_or(section.len()));
            let lines = || content.trim_matches('\n').to_string() + "\n";
            match title.split(' ').collect::<Vec<_>>()[..] {
                ["answer", status] => case.answers.push(answer(status, content, "\n")),
                ["answer", status, "crlf"] => case.answers.push(answer(status, content, "\r\n")),
                ["stdout"] => case.stdout = lines(),
                ["stderr"] => case.stderr = lines(),
                _ => panic!("this is not a section: --- {title}"),
            }
        }
        case
    }

    fn check(&self) {
        let server = self.server(self.requests);
        anyask(["-q", "--retry-delay", "0", "hi"])
            .args(&self.args)
            .at(&server)
            .prints(self.stdout.clone())
            .says(&self.stderr.replace("HOST", &server.host()))
            .exits(self.exit());
        assert_eq!(server.requests(), self.requests, "requests");
        if let Some(requests) = self.fallback {
            let server = self.server(requests);
            let run = anyask(["-q", "--retry-delay", "0", "--fallback", "other", "hi"]).at(&server);
            run.prints(self.stdout.clone()).mentions("").exits(self.exit());
            assert_eq!(server.requests(), requests, "requests with a fallback");
        }
        if let Some(requests) = self.batch {
            let server = self.server(requests);
            let run = anyask(["--batch", "-q", "-j1", "--retry-delay", "0"]).at(&server);
            run.stdin("a\nb\nc\n").prints_something().mentions("").exits(self.exit());
            assert_eq!(server.requests(), requests, "requests of a batch");
        }
    }

    /// A server that gets so many requests.
    fn server(&self, requests: usize) -> Server {
        let mut answers = self.answers.clone();
        let last = answers.last().expect("an answer").clone();
        assert!(answers.len() <= requests, "more answers than requests");
        answers.resize(requests, last);
        Server::serving(answers)
    }

    fn exit(&self) -> i32 {
        self.exit.expect("an exit status")
    }
}

/// An HTTP answer of headers, a blank line and a body.
fn answer(status: &str, content: &str, line_end: &str) -> Vec<u8> {
    let content = with_times(content);
    let (headers, body) = content.split_once("\n\n").unwrap_or((&content, ""));
    let headers: Vec<_> = headers.trim().lines().collect();
    // the section's end took the line end of a blank line
    let body = if body.ends_with('\n') { format!("{body}\n") } else { body.into() };
    http(&format!("{status} X"), &headers, body.replace('\n', line_end))
}

/// Fills in the points in time.
fn with_times(text: &str) -> String {
    let mut parts = text.split("{{now+");
    let start = parts.next().unwrap_or_default().to_string();
    parts.fold(start, |text, part| {
        let (time, rest) = part.split_once("}}").expect("the end of {{now+TIME}}");
        let then = SystemTime::now() + humantime::parse_duration(time).expect("a time such as 42m");
        format!("{text}{}{rest}", humantime::format_rfc3339_seconds(then))
    })
}

#[test]
fn each_error_says_what_it_means() {
    let text = CASES.replace("\r\n", "\n");
    let cases = text.split("\n=== ").skip(1).map(|case| case.split_once('\n').expect("facts"));
    let (mut passed, mut failed) = (0, Vec::new());
    for (heading, case) in cases {
        eprintln!("=== {heading}");
        match catch_unwind(|| Case::read(case).check()) {
            Ok(()) => passed += 1,
            Err(_) => failed.push(heading),
        }
    }
    assert!(failed.is_empty() && passed > 0, "these cases failed: {failed:#?}");
}
