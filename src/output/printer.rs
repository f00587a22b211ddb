//! Prints an answer in one of the formats.

use anyhow::Result;
use pulldown_cmark::{CodeBlockKind, Event, Parser, Tag};

use super::console::Console;
use super::settings::{Format, Settings};
use super::sink::Sink;
use crate::api::Answer;
use crate::error::{Failure, broken};

/// Prints an answer chunk by chunk as it arrives, or as a whole at the end.
#[derive(Debug)]
pub struct Printer<'a> {
    settings: &'a Settings,
    sink: Sink,
    console: &'a Console,
}

impl<'a> Printer<'a> {
    /// A printer into this sink. The console removes its spinner when something is printed.
    pub fn new(settings: &'a Settings, sink: Sink, console: &'a Console) -> Self {
        Self { settings, sink, console }
    }

    /// Whether an answer without text is printed. JSON always is.
    pub fn prints_without_text(&self) -> bool {
        matches!(self.settings.format, Format::Json | Format::Events)
    }

    /// Prints a chunk in one write, if the answer is printed as it arrives.
    pub fn print(&mut self, chunk: &str) -> Result<()> {
        if self.settings.stream {
            match self.settings.format {
                Format::Events => self.sink.text(chunk),
                _ => self.sink.markdown(chunk),
            }
        }
        // the spinner stays until something is printed
        if !self.sink.is_flushed() {
            self.console.stop_live();
        }
        self.sink.flush()
    }

    /// Prints the rest. A file is replaced if the answer is complete.
    pub fn finish(&mut self, answer: &Answer, complete: bool) -> Result<()> {
        self.console.stop_live();
        match self.settings.format {
            Format::Text if complete && !self.settings.stream => self.sink.markdown(&answer.text),
            Format::Code if complete => self.sink.text(&code_to_print(&answer.text)?),
            Format::Json if complete => self.sink.json(&answer.message),
            Format::Text | Format::Code | Format::Json | Format::Events => {}
        }
        self.sink.end_line();
        self.sink.finish(complete, self.settings)
    }
}

/// The bytes that this format prints for a complete answer.
pub fn printable(format: Format, answer: &Answer) -> Result<Vec<u8>, Failure> {
    let mut bytes = match format {
        Format::Code => code_to_print(&answer.text)?.into_bytes(),
        Format::Json => answer.message.clone(),
        Format::Text | Format::Events => answer.text.clone().into_bytes(),
    };
    if !bytes.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

fn code_to_print(text: &str) -> Result<String, Failure> {
    let code =
        first_code_block(text).ok_or_else(|| broken("the answer has no fenced code block"))?;
    // in a cut answer, the first fence may be one that closes a block
    if code.trim().is_empty() {
        return Err(broken("the answer's first code block is empty"));
    }
    Ok(code)
}

/// The inside of the first fenced code block by CommonMark, without the prefixes of list items and block quotes.
fn first_code_block(text: &str) -> Option<String> {
    let mut events = Parser::new(text).into_offset_iter();
    events.find(|(event, _)| {
        matches!(event, Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(_))))
    })?;
    let mut code = String::new();
    for (event, range) in events {
        let Event::Text(spaces) = event else { break };
        let (before, source) = (&text[..range.start], &text[range]);
        if source.is_empty() {
            // the rest of a tab, as spaces
            code.push_str(&spaces);
        }
        // the parser drops the CR of a CRLF
        if source.starts_with('\n') && before.ends_with('\r') {
            code.push('\r');
        }
        code.push_str(source);
    }
    Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn finds_the_block_that_commonmark_finds() {
        for (text, code) in [
            ("``\nfoo\n``\n", None),
            ("    ```\n    aaa\n    ```\n", None),
            ("``` aa ```\nfoo\n", None),
            ("```\naaa\n~~~\n```\n", Some("aaa\n~~~\n")),
            ("~~~~\naaa\n~~~\n~~~~\n", Some("aaa\n~~~\n")),
            ("```\n", Some("")),
            ("```\n\n  \n```\n", Some("\n  \n")),
            ("   ```\n   aaa\n    aaa\n  aaa\n   ```\n", Some("aaa\n aaa\naaa\n")),
            ("```\naaa\n    ```\n", Some("aaa\n    ```\n")),
            ("foo\n```\nbar\n```\nbaz\n```\nno\n```\n", Some("bar\n")),
            ("~~~ aa ``` ~~~\nfoo\n~~~\n", Some("foo\n")),
            ("```\n``` aaa\n```\n", Some("``` aaa\n")),
            ("a\n```\nx\n``", Some("x\n``")),
            ("```\nx\n```", Some("x\n")),
        ] {
            assert_eq!(first_code_block(text).as_deref(), code, "{text}");
        }
    }

    #[test]
    fn finds_blocks_inside_list_items_and_block_quotes() {
        for (text, code) in [
            ("> ```\n> aaa\n\nbbb\n", "aaa\n"),
            ("one\n\n- ```sh\n  ls\n  ```\n\nthen\n", "ls\n"),
            ("- a\n  - b\n\n    ```\n    deep\n      er\n    ```\n", "deep\n  er\n"),
            ("10. Run:\n\n    ```\n    ls\n    ```\n", "ls\n"),
            ("* a\n\n  ~~~\n  open\nout\n", "open\n"),
            (">     no\n>\n>```\n>a\n>  b\n>\n>```\n", "a\n b\n\n"),
            ("> - x\n>\n>   ```\n>   a\n>   > b\n>   ```\n", "a\n> b\n"),
            ("- Run:\n\n\t```sh\n\tls -l\n\t\tx\n\t```\n", "ls -l\n\tx\n"),
            ("-\t```\n\tls\n\t```\n", "ls\n"),
            ("  ~~~\n\t\tx\n~~~\n", "  \tx\n"),
            ("> ```\r\n> a\r\n>\r\n> b\r\n> ```\r\n", "a\r\n\r\nb\r\n"),
        ] {
            assert_eq!(first_code_block(text).as_deref(), Some(code), "{text}");
        }
    }

    proptest! {
        #[test]
        fn line_ends_stay_as_they_are(
            lines in proptest::collection::vec("[-> \t]{0,4}[ `~]{0,5}[a`~> ]{0,3}", 0..8),
        ) {
            let (lf, crlf) = (lines.join("\n"), lines.join("\r\n"));
            let expected = first_code_block(&lf).map(|code| code.replace('\n', "\r\n"));
            prop_assert_eq!(first_code_block(&crlf), expected);
        }

        #[test]
        fn any_text_is_survived(text in "([-> \t`~\r\na1.)é\0<]|```|\r\n){0,40}") {
            let _ = first_code_block(&text);
        }
    }
}
