//! The inside of the answer's first fenced code block, by CommonMark's rules (0.31, section 4.5), as it comes:
//! by itself, or in list items and block quotes.

use anyhow::Result;

use super::{Out, Printer};
use crate::api::Listener;
use crate::error::{Failure, Kind};

/// Prints the block and nothing else.
pub struct Code {
    out: Out,
    scanner: Scanner,
}

impl Code {
    pub fn new(out: Out) -> Self {
        Self {
            out,
            scanner: Scanner::default(),
        }
    }
}

impl Listener for Code {
    fn text(&mut self, text: &str) {
        let out = &mut self.out;
        self.scanner.feed(text, &mut |code| out.text(code));
    }

    fn pause(&mut self) -> Result<()> {
        self.out.write()
    }
}

impl Printer for Code {
    fn end(&mut self, whole: bool) -> Result<()> {
        let out = &mut self.out;
        self.scanner.finish(&mut |code| out.text(code));
        let found = !matches!(self.scanner.state, State::Before);
        self.out.end_line();
        self.out.finish(whole && found)?;
        if whole && !found {
            return Err(
                Failure::new(Kind::BrokenAnswer, "the answer has no fenced code block").into(),
            );
        }
        Ok(())
    }
}

/// Finds the first block in text that comes in pieces.
#[derive(Default)]
struct Scanner {
    state: State,
    /// The start of a line of which it is not clear yet what it is.
    held: String,
    /// The line that goes on is code, and its start is told already.
    in_line: bool,
    /// What the line stands in, outermost first.
    containers: Vec<Container>,
}

#[derive(Default, Clone, Copy)]
enum State {
    #[default]
    Before,
    Inside(Fence),
    After,
}

/// An opening fence.
#[derive(Clone, Copy)]
struct Fence {
    char: char,
    length: usize,
    indent: usize,
}

/// A block that others stand in.
#[derive(Clone, Copy)]
enum Container {
    Quote,
    /// A list item whose content begins this many columns further right.
    Item(usize),
}

impl Scanner {
    /// Takes the next piece, and calls `on` with the code that it brings.
    fn feed(&mut self, text: &str, on: &mut impl FnMut(&str)) {
        for piece in text.split_inclusive('\n') {
            let ended = piece.ends_with('\n');
            match self.state {
                State::After => return,
                State::Inside(_) if self.in_line => on(piece),
                State::Inside(fence) => {
                    self.held.push_str(piece);
                    if ended || !self.may_close(fence) {
                        let line = std::mem::take(&mut self.held);
                        self.code(fence, &line, on);
                    }
                    self.in_line = self.held.is_empty();
                }
                State::Before => {
                    self.held.push_str(piece);
                    if ended {
                        let line = std::mem::take(&mut self.held);
                        self.before(&line);
                    }
                }
            }
            self.in_line &= !ended;
        }
    }

    /// The text is over: a line that had no end is a line too.
    fn finish(&mut self, on: &mut impl FnMut(&str)) {
        let line = std::mem::take(&mut self.held);
        match self.state {
            State::Before => self.before(&line),
            State::Inside(fence) if !line.is_empty() => self.code(fence, &line, on),
            _ => {}
        }
    }

    /// A line outside of any code: it may begin or end what others stand in, and open the block.
    fn before(&mut self, line: &str) {
        let (kept, mut rest) = inside(&self.containers, Rest::of(line));
        self.containers.truncate(kept);
        while let Some((container, content)) = container(rest) {
            self.containers.push(container);
            rest = content;
        }
        if let Some(fence) = opening(rest) {
            self.state = State::Inside(fence);
        }
    }

    /// A line of the code, or the one that ends it: by its fence, or by the end of what the block stands in.
    fn code(&mut self, fence: Fence, line: &str, on: &mut impl FnMut(&str)) {
        let (kept, rest) = inside(&self.containers, Rest::of(line));
        if kept < self.containers.len() || closes(fence, rest) {
            self.state = State::After;
        } else {
            let rest = rest.outdented(fence.indent);
            on(&" ".repeat(rest.blanks));
            on(rest.text);
        }
    }

    /// Whether what is held may still become the line that ends the block.
    fn may_close(&self, fence: Fence) -> bool {
        let (kept, rest) = inside(&self.containers, Rest::of(&self.held));
        if kept < self.containers.len() {
            rest.text.trim_start_matches([' ', '\t', '>']).is_empty()
        } else {
            // it takes a fence's own character, or blanks alone
            let words = rest.outdented(usize::MAX).text;
            words.is_empty() || words.starts_with(fence.char)
        }
    }
}

/// What is left of a line, counted in columns: a tab goes on to the next stop of four.
#[derive(Clone, Copy)]
struct Rest<'a> {
    text: &'a str,
    /// Blanks in front of the text: what is left of a tab that was taken in part.
    blanks: usize,
    /// In which column it begins, from 0.
    column: usize,
}

impl<'a> Rest<'a> {
    fn of(text: &'a str) -> Self {
        Self {
            text,
            blanks: 0,
            column: 0,
        }
    }

    /// How many columns of blanks it begins with.
    fn indent(self) -> usize {
        let mut column = self.column + self.blanks;
        for char in self.text.chars() {
            match char {
                ' ' => column += 1,
                '\t' => column += tab(column),
                _ => break,
            }
        }
        column - self.column
    }

    /// The same without its blanks, but for those beyond so many columns.
    fn outdented(mut self, columns: usize) -> Self {
        let mut left = columns.min(self.indent());
        while left > 0 {
            if self.blanks == 0 {
                let is_tab = self.text.starts_with('\t');
                self.blanks = if is_tab { tab(self.column) } else { 1 };
                self.text = &self.text[1..];
            }
            let taken = left.min(self.blanks);
            (self.blanks, self.column, left) =
                (self.blanks - taken, self.column + taken, left - taken);
        }
        self
    }

    /// What follows so many characters that are no blanks.
    fn after(self, characters: usize) -> Self {
        Self {
            text: &self.text[characters..],
            blanks: 0,
            column: self.column + characters,
        }
    }

    fn is_blank(self) -> bool {
        self.text.trim().is_empty()
    }
}

/// How wide a tab is that stands in this column.
fn tab(column: usize) -> usize {
    4 - column % 4
}

/// In how many of the containers a line stands, and what of it is inside them.
fn inside<'a>(containers: &[Container], mut line: Rest<'a>) -> (usize, Rest<'a>) {
    for (kept, container) in containers.iter().enumerate() {
        let content = match container {
            Container::Quote => quoted(line),
            // a blank line ends no item
            Container::Item(width) => {
                (line.indent() >= *width || line.is_blank()).then(|| line.outdented(*width))
            }
        };
        let Some(content) = content else {
            return (kept, line);
        };
        line = content;
    }
    (containers.len(), line)
}

/// The container that a line begins, and what stands in it.
fn container(line: Rest) -> Option<(Container, Rest)> {
    match quoted(line) {
        Some(content) => Some((Container::Quote, content)),
        None => item(line),
    }
}

/// What of a line is quoted, if it is.
fn quoted(line: Rest) -> Option<Rest> {
    let mark = line.outdented(3);
    let quotes = mark.blanks == 0 && mark.text.starts_with('>');
    quotes.then(|| mark.after(1).outdented(1))
}

/// The list item that a line begins, and what stands in it.
fn item(line: Rest) -> Option<(Container, Rest)> {
    let indent = line.indent();
    let mark = line.outdented(indent);
    let digits = mark.text.bytes().take_while(u8::is_ascii_digit).count();
    let sign = if digits == 0 { "-*+" } else { ".)" };
    if !mark.text[digits..].starts_with(|char| sign.contains(char)) {
        return None;
    }
    let after = mark.after(digits + 1);
    let (blanks, empty) = (after.indent(), after.is_blank());
    let fits = indent <= 3 && digits <= 9 && (blanks > 0 || empty);
    // an item that begins with code, or with nothing, begins one blank after its marker
    let blanks = if blanks > 4 || empty { 1 } else { blanks };
    let width = indent + digits + 1 + blanks;
    fits.then(|| (Container::Item(width), after.outdented(blanks)))
}

/// The fence that a line opens a block with: three or more backticks or tildes, indented by three
/// blanks at most; backticks in the info string make it inline code instead.
fn opening(line: Rest) -> Option<Fence> {
    let (indent, char, length, info) = fence(line)?;
    let fits = length >= 3 && !(char == '`' && info.contains('`'));
    fits.then_some(Fence {
        char,
        length,
        indent,
    })
}

/// Whether a line closes the block: at least as long a fence of the same kind, and nothing after it.
fn closes(open: Fence, line: Rest) -> bool {
    fence(line).is_some_and(|(_, char, length, rest)| {
        char == open.char
            && length >= open.length
            && rest.trim_matches([' ', '\t', '\r', '\n']).is_empty()
    })
}

/// A line's indent, the character of its fence, how many there are of it, and what follows.
fn fence(line: Rest<'_>) -> Option<(usize, char, usize, &str)> {
    let indent = line.indent();
    let text = line.outdented(indent).text;
    let char = text
        .chars()
        .next()
        .filter(|char| matches!(char, '`' | '~'))?;
    let after = text.trim_start_matches(char);
    (indent <= 3).then_some((indent, char, text.len() - after.len(), after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn extract<'a>(pieces: impl IntoIterator<Item = &'a str>) -> Option<String> {
        let mut scanner = Scanner::default();
        let mut code = String::new();
        let mut on = |piece: &str| code.push_str(piece);
        for piece in pieces {
            scanner.feed(piece, &mut on);
        }
        scanner.finish(&mut on);
        (!matches!(scanner.state, State::Before)).then_some(code)
    }

    /// The examples of CommonMark 0.31 on fenced code blocks.
    #[test]
    fn commonmark_examples() {
        for (number, text, code) in [
            (119, "```\n<\n >\n```\n", Some("<\n >\n")),
            (120, "~~~\n<\n >\n~~~\n", Some("<\n >\n")),
            (121, "``\nfoo\n``\n", None),
            (122, "```\naaa\n~~~\n```\n", Some("aaa\n~~~\n")),
            (123, "~~~\naaa\n```\n~~~\n", Some("aaa\n```\n")),
            (124, "````\naaa\n```\n``````\n", Some("aaa\n```\n")),
            (125, "~~~~\naaa\n~~~\n~~~~\n", Some("aaa\n~~~\n")),
            (126, "```\n", Some("")),
            (127, "`````\n\n```\naaa\n", Some("\n```\naaa\n")),
            (128, "> ```\n> aaa\n\nbbb\n", Some("aaa\n")),
            (129, "```\n\n  \n```\n", Some("\n  \n")),
            (130, "```\n```\n", Some("")),
            (131, " ```\n aaa\naaa\n```\n", Some("aaa\naaa\n")),
            (
                132,
                "  ```\naaa\n  aaa\naaa\n  ```\n",
                Some("aaa\naaa\naaa\n"),
            ),
            (
                133,
                "   ```\n   aaa\n    aaa\n  aaa\n   ```\n",
                Some("aaa\n aaa\naaa\n"),
            ),
            (134, "    ```\n    aaa\n    ```\n", None),
            (135, "```\naaa\n  ```\n", Some("aaa\n")),
            (136, "   ```\naaa\n  ```\n", Some("aaa\n")),
            (137, "```\naaa\n    ```\n", Some("aaa\n    ```\n")),
            (138, "``` ```\naaa\n", None),
            (139, "~~~~~~\naaa\n~~~ ~~\n", Some("aaa\n~~~ ~~\n")),
            (140, "foo\n```\nbar\n```\nbaz\n", Some("bar\n")),
            (141, "foo\n---\n~~~\nbar\n~~~\n# baz\n", Some("bar\n")),
            (
                142,
                "```ruby\ndef foo(x)\n  return 3\nend\n```\n",
                Some("def foo(x)\n  return 3\nend\n"),
            ),
            (
                143,
                "~~~~    ruby startline=3 $%@#$\ndef foo(x)\nend\n~~~~~~~\n",
                Some("def foo(x)\nend\n"),
            ),
            (144, "````;\n````\n", Some("")),
            (145, "``` aa ```\nfoo\n", None),
            (146, "~~~ aa ``` ~~~\nfoo\n~~~\n", Some("foo\n")),
            (147, "```\n``` aaa\n```\n", Some("``` aaa\n")),
        ] {
            assert_eq!(extract([text]).as_deref(), code, "example {number}");
        }
    }

    #[test]
    fn a_block_in_a_list_or_a_quote_is_a_block() {
        for (text, code) in [
            ("one\n\n- ```sh\n  ls\n  ```\n\nthen\n", "ls\n"),
            (
                "- a\n  - b\n\n    ```\n    deep\n      er\n    ```\n\n```\nno\n```\n",
                "deep\n  er\n",
            ),
            ("10. Run:\n\n    ```\n    ls\n    ```\n", "ls\n"),
            ("* a\n\n  ~~~\n  open\nout\n", "open\n"),
            ("- a\n\nb\n\n  ```\n  x\n  ```\n", "x\n"),
            ("* * *\n```\nx\n```\n", "x\n"),
            (">     no\n>\n>```\n>a\n>  b\n>\n>```\n", "a\n b\n\n"),
            ("> - x\n>\n>   ```\n>   a\n>   > b\n>   ```\n", "a\n> b\n"),
            ("- > ~~~\n  > a\n  ~~~\n", "a\n"),
            ("> quoted\n```\nx\n```\n", "x\n"),
            ("- Run:\n\n\t```sh\n\tls -l\n\t\tx\n\t```\n", "ls -l\n\tx\n"),
            ("-\t```\n\tls\n\t```\n", "ls\n"),
            ("```\n\tls\t-l\n```\n", "\tls\t-l\n"),
            (" ~~~\n>>\t``\n~~~\n", ">>\t``\n"),
            ("  ~~~\n\t\tx\n~~~\n", "  \tx\n"),
            ("    > ```\n> > ```\n> > x\n> y\n", "x\n"),
        ] {
            assert_eq!(extract([text]).as_deref(), Some(code), "{text}");
        }
    }

    #[test]
    fn line_ends_of_two_characters_stay_and_close() {
        assert_eq!(
            extract(["```c++\r\nint x;\r\n```\r\nmore"]).as_deref(),
            Some("int x;\r\n")
        );
    }

    #[test]
    fn a_block_without_end_ends_with_the_text() {
        assert_eq!(extract(["a\n```\nx\n``"]).as_deref(), Some("x\n``"));
        assert_eq!(extract(["```"]).as_deref(), Some(""));
        assert_eq!(extract(["```\nx\n```"]).as_deref(), Some("x\n"));
    }

    #[test]
    fn code_is_told_as_soon_as_it_can_be_no_fence() {
        let mut scanner = Scanner::default();
        let mut told = Vec::new();
        for piece in [
            "``", "`\nle", "t ", "x\n", " ", "`", "a`\n", "``", "`", "\nafter",
        ] {
            let mut code = String::new();
            scanner.feed(piece, &mut |part: &str| code.push_str(part));
            told.push(code);
        }
        assert_eq!(told, ["", "le", "t ", "x\n", "", "", " `a`\n", "", "", ""]);
    }

    proptest! {
        #[test]
        fn any_cut_of_the_text_gives_the_same_code(
            lines in proptest::collection::vec("[-> \t]{0,4}[ `~]{0,5}[a`~> ]{0,3}\r?", 0..8),
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let text = lines.join("\n");
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut % (text.len() + 1)).collect();
            cuts.extend([0, text.len()]);
            cuts.sort_unstable();
            let pieces = cuts.windows(2).map(|pair| &text[pair[0]..pair[1]]);
            prop_assert_eq!(extract(pieces), extract([text.as_str()]));
        }
    }
}
