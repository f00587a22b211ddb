//! The prepared request as a command line for a POSIX shell.

use crate::api::Prepared;

/// One argument of a program may be 128 KiB on Linux; a longer body goes through a pipe.
const LONGEST_ARGUMENT: usize = 100 << 10;

/// A curl command that sends the same request. The key stands in it as `$ANYROUTER_API_KEY`.
pub fn curl(prepared: &Prepared) -> String {
    // serde_json writes UTF-8
    let body = quoted(&String::from_utf8_lossy(&prepared.body));
    let (feed, data) = if body.len() > LONGEST_ARGUMENT {
        (
            format!("printf %s {body} | "),
            "--data-binary @-".to_string(),
        )
    } else {
        (String::new(), format!("--data-raw {body}"))
    };
    let mut lines = vec![format!(
        "{feed}curl -sS -N -g --compressed {}",
        quoted(&prepared.url.to_string())
    )];
    if !prepared.brings_key {
        let value = prepared.auth.value("$ANYROUTER_API_KEY");
        lines.push(format!("-H \"{}: {value}\"", prepared.auth.header()));
    }
    let mut files: Vec<&str> = Vec::new();
    for header in &prepared.headers {
        match &header.file {
            None => {
                let value = String::from_utf8_lossy(header.value.as_bytes());
                lines.push(format!(
                    "-H {}",
                    quoted(&format!("{}: {value}", header.name))
                ));
            }
            // the file may hold secrets, and curl can read it too
            Some(path) if !files.contains(&path.as_str()) => {
                files.push(path);
                lines.push(format!("-H {}", quoted(&format!("@{path}"))));
            }
            Some(_) => {}
        }
    }
    lines.push(data);
    lines.join(" \\\n  ") + "\n"
}

/// A word for a shell: single quotes, with a quote of its own written as `'\''`.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}
