//! Styles Markdown while it arrives: headings, strong text, inline and fenced code. Only styles are added; no character
//! is changed or held back. A style depends only on the text before it, and not on how the text is cut into chunks.

use memchr::{memchr, memchr2, memchr3};

const PLAIN: &str = "";
const STRONG: &str = "\x1b[1m";
const CODE: &str = "\x1b[36m";
const STRONG_CODE: &str = "\x1b[1;36m";
const RESET: &str = "\x1b[0m";

/// What may stand before a heading or a fence: indentation, block quotes and list markers.
const PREFIX: &[u8] = b" \t>-+*.)0123456789";
/// What may stand before the fence that closes a code block.
const FENCE_PREFIX: &[u8] = b" \t>";

/// The styles of the text so far.
#[derive(Debug, Default)]
pub struct Highlighter {
    /// The fence that opened the current code block.
    fence: Option<Fence>,
    line: Line,
}

#[derive(Debug)]
struct Fence {
    marker: u8,
    length: usize,
    indent: usize,
}

/// What is known of a line so far. Styles of text end with their line, so that a marker without a partner does not
/// change the lines after it.
#[derive(Debug, Default)]
struct Line {
    /// The length of its prefix.
    indent: usize,
    /// Its prefix has ended.
    has_text: bool,
    /// The equal markers at its end.
    run: Run,
    /// Its last byte, or 0 at its start.
    last: u8,
    heading: bool,
    /// The marker that ends the current strong text, or 0.
    strong: u8,
    /// How many backticks end the current inline code; 0 outside of inline code.
    code: usize,
    /// It opens a code block, unless something else follows.
    opens: Option<Fence>,
    /// It closes the code block, unless something else follows.
    closes: bool,
}

/// Equal markers in a row.
#[derive(Debug, Default)]
struct Run {
    marker: u8,
    length: usize,
    /// Only the prefix of the line is before them.
    is_first: bool,
}

impl Highlighter {
    /// Appends the text with its styles to `out`. The last style is ended, so that the terminal is plain for whatever
    /// is written next, even if the program ends.
    pub fn push(&mut self, text: &str, out: &mut Vec<u8>) {
        let mut current = PLAIN;
        let mut switch = |style: &'static str, out: &mut Vec<u8>| {
            if style != current {
                out.extend_from_slice(if current == PLAIN { b"" } else { RESET.as_bytes() });
                out.extend_from_slice(style.as_bytes());
                current = style;
            }
        };
        let mut rest = text.as_bytes();
        while let Some(byte) = rest.first() {
            let length = self.read(*byte, &rest[1..]);
            switch(self.style(), out);
            out.extend_from_slice(&rest[..length]);
            rest = &rest[length..];
        }
        switch(PLAIN, out);
    }

    /// Reads the next byte, and the bytes after it that have the same style. Returns how many bytes were read.
    fn read(&mut self, byte: u8, rest: &[u8]) -> usize {
        if self.line.run.length > 0 && self.line.run.marker == byte {
            self.line.run.length += 1;
            return 1;
        }
        self.end_run(byte);
        if byte == b'\n' {
            let line = std::mem::take(&mut self.line);
            self.fence = if line.closes { None } else { self.fence.take().or(line.opens) };
            return 1;
        }
        let line = &mut self.line;
        let (prefix, is_marker) = match &self.fence {
            Some(fence) => (FENCE_PREFIX, !line.has_text && byte == fence.marker),
            None => (PREFIX, line.is_marker(byte)),
        };
        if is_marker {
            line.run = Run { marker: byte, length: 1, is_first: !line.has_text };
        }
        line.closes &= is_blank(byte);
        line.has_text |= !prefix.contains(&byte);
        line.indent += usize::from(!line.has_text);
        let more = match &self.fence {
            _ if is_marker || line.closes || !line.has_text => Some(0),
            Some(_) => memchr(b'\n', rest),
            None if line.code > 0 => memchr2(b'`', b'\n', rest),
            None => {
                let more = memchr3(b'`', b'*', b'\n', rest);
                memchr(b'_', &rest[..more.unwrap_or(rest.len())]).or(more)
            }
        };
        let more = &rest[..more.unwrap_or(rest.len())];
        line.last = *more.last().unwrap_or(&byte);
        1 + more.len()
    }

    /// Decides what the markers at the end of the line mean. `next` is the byte after them.
    fn end_run(&mut self, next: u8) {
        let line = &mut self.line;
        let Run { marker, length, is_first } = std::mem::take(&mut line.run);
        let fence = Fence { marker, length, indent: line.indent };
        let opens = is_first && length >= 3;
        match (&self.fence, marker) {
            (_, 0) => {}
            (Some(open), _) => {
                line.closes = length >= open.length && line.indent < open.indent + 4;
            }
            (None, b'#') => line.heading = length <= 6 && line.indent < 4 && is_blank(next),
            (None, b'~') => line.opens = opens.then_some(fence),
            (None, b'`') => {
                // after a fence of backticks, the line has no more backticks
                line.opens = opens.then_some(fence);
                if line.code == length {
                    line.code = 0;
                } else if line.code == 0 && (length > 1 || !is_blank(next)) {
                    line.code = length;
                }
            }
            (None, _) if !(2..=3).contains(&length) => {}
            // "a__b" has none
            (None, b'_') if line.strong > 0 && next.is_ascii_alphanumeric() => {}
            (None, _) if line.strong > 0 => line.strong = 0,
            // "2 ** 3", "**/*.rs" and "g^{**}" are not strong
            (None, _) if b" \t\n/,)}".contains(&next) => {}
            (None, _) => line.strong = marker,
        }
    }

    /// The style of what was read last. Markers of strong text stay plain: at the first one, it is not known yet whether
    /// strong text begins.
    fn style(&self) -> &'static str {
        let Line { last, run, heading, strong, code, opens, .. } = &self.line;
        let is_strong = *heading || (*strong > 0 && run.marker != *strong);
        let is_code = self.fence.is_some() || opens.is_some() || *code > 0 || run.marker == b'`';
        match (is_strong, is_code) {
            // a line has just ended
            _ if *last == 0 => PLAIN,
            (false, false) => PLAIN,
            (true, false) => STRONG,
            (false, true) => CODE,
            (true, true) => STRONG_CODE,
        }
    }
}

impl Line {
    /// Whether this byte may begin markers outside of code blocks.
    fn is_marker(&self, byte: u8) -> bool {
        // an equal byte before it was not a marker, so this one is not, either
        let is_inside_word =
            self.last.is_ascii_alphanumeric() || self.last == b'\\' || self.last == byte;
        match byte {
            b'#' | b'~' => !self.has_text,
            b'`' => self.code > 0 || !is_inside_word,
            b'*' | b'_' if self.code > 0 => false,
            b'*' | b'_' if self.strong > 0 => self.strong == byte && !is_blank(self.last),
            b'*' => !is_inside_word,
            b'_' => !is_inside_word && self.last.is_ascii(),
            _ => false,
        }
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STYLES: [(&str, &str); 4] =
        [(STRONG_CODE, "<bc>"), (STRONG, "<b>"), (CODE, "<c>"), (RESET, "</>")];

    fn highlight<'a>(chunks: impl IntoIterator<Item = &'a str>) -> String {
        let (mut highlighter, mut out) = (Highlighter::default(), Vec::new());
        chunks.into_iter().for_each(|chunk| highlighter.push(chunk, &mut out));
        String::from_utf8(out).expect("no character is cut in two")
    }

    /// With readable styles.
    fn readable(text: &str) -> String {
        STYLES.iter().fold(highlight([text]), |out, (style, name)| out.replace(style, name))
    }

    fn without_styles(out: &str) -> String {
        STYLES.iter().fold(out.to_string(), |out, (style, _)| out.replace(style, ""))
    }

    /// Each character with its style.
    fn cells(mut out: &str) -> Vec<(char, &'static str)> {
        let (mut style, mut cells) = (PLAIN, Vec::new());
        while let Some(char) = out.chars().next() {
            if let Some((found, _)) = STYLES.iter().find(|(style, _)| out.starts_with(style)) {
                (style, out) = (if *found == RESET { PLAIN } else { found }, &out[found.len()..]);
            } else {
                cells.push((char, style));
                out = &out[char.len_utf8()..];
            }
        }
        cells
    }

    #[test]
    fn headings_strong_text_and_code_get_a_style() {
        for (text, expected) in [
            ("# Title\ntext", "#<b> Title</>\ntext"),
            ("###### Six\n", "######<b> Six</>\n"),
            ("> ## Quoted\n", "> ##<b> Quoted</>\n"),
            ("## Use `ls`\n", "##<b> Use </><bc>`ls`</>\n"),
            ("so **very** true", "so **<b>very</>** true"),
            ("- **Name:** text", "- **<b>Name:</>** text"),
            ("***both***.", "***<b>both</>***."),
            ("**a *b* c** d", "**<b>a *b</>*<b> c</>** d"),
            ("**a `b` c** d", "**<b>a </><bc>`b`</><b> c</>** d"),
            ("so __very__ true", "so __<b>very</>__ true"),
            ("- __Name:__ text", "- __<b>Name:</>__ text"),
            ("___both___.", "___<b>both</>___."),
            ("__a__b c__ d", "__<b>a</>__<b>b c</>__ d"),
            ("**a __b__ c** d", "**<b>a __b__ c</>** d"),
            ("__a **b** c__ d", "__<b>a **b** c</>__ d"),
            ("__重点__，内容", "__<b>重点</>__，内容"),
            ("这是**重点**内容", "这是**<b>重点</>**内容"),
            ("| **a** | `b` |", "| **<b>a</>** | <c>`b`</> |"),
            ("run `ls -l`, then", "run <c>`ls -l`</>, then"),
            ("`` a`b `` c", "<c>`` a`b ``</> c"),
            ("`**x**` y", "<c>`**x**`</> y"),
            ("`true`/`false`", "<c>`true`</>/<c>`false`</>"),
        ] {
            assert_eq!(readable(text), expected);
        }
    }

    #[test]
    fn code_blocks_are_found_as_commonmark_finds_them() {
        for (text, expected) in [
            ("```sh\nls\n\nls\n```\nx", "<c>```sh</>\n<c>ls</>\n\n<c>ls</>\n<c>```</>\nx"),
            ("~~~ py\na\n~~~\nx", "~~~<c> py</>\n<c>a</>\n<c>~~~</>\nx"),
            ("```\n**a**\n# b\n", "<c>```</>\n<c>**a**</>\n<c># b</>\n"),
            // only a fence of the same kind, at least as long and with nothing behind it ends it
            ("```\n~~~\n```\nx", "<c>```</>\n<c>~~~</>\n<c>```</>\nx"),
            ("````\n```\n`````  \nx", "<c>````</>\n<c>```</>\n<c>`````  </>\nx"),
            ("```\n```sh\n``` \nx", "<c>```</>\n<c>```sh</>\n<c>``` </>\nx"),
            (
                "```\na\n    ```\nb\n   ```\nx",
                "<c>```</>\n<c>a</>\n<c>    ```</>\n<c>b</>\n<c>   ```</>\nx",
            ),
            ("```\n- ```\n```\nx", "<c>```</>\n<c>- ```</>\n<c>```</>\nx"),
            // in lists and block quotes
            (
                "1. Do\n     ```\n     a\n     ```\n2. x",
                "1. Do\n     <c>```</>\n<c>     a</>\n<c>     ```</>\n2. x",
            ),
            ("- ```\n  a\n  ```\nx", "- <c>```</>\n<c>  a</>\n<c>  ```</>\nx"),
            ("> ```\n> a\n> ```\nx", "> <c>```</>\n<c>> a</>\n<c>> ```</>\nx"),
            // not a fence
            ("```a``` x\ny", "<c>```a```</> x\ny"),
            ("a ```\nx", "a <c>```</>\nx"),
            ("``\nx", "<c>``</>\nx"),
            ("~~old~~ x\ny", "~~old~~ x\ny"),
        ] {
            assert_eq!(readable(text), expected);
        }
    }

    #[test]
    fn what_only_looks_like_markdown_stays_plain() {
        for text in [
            "#!/bin/sh",
            "#hashtag",
            "####### seven",
            "a # b",
            "    # code",
            "* item\n* item",
            "2 ** 3 ** 4",
            "2**3",
            "f(*args)",
            "snake__case__name and a*b*c",
            "_one_ __ __",
            "\\__a__",
            "é__a__",
            "___\n",
            "src/**/*.rs",
            "** no **",
            "a `\nb",
            "it`s",
            "\\`a",
            "\\**a",
            "1. x\n---\n***\n",
            "****",
            "~/bin",
            "a ~~~\nb",
        ] {
            assert_eq!(readable(text).replace("<c>`</>", "`"), text);
        }
    }

    #[test]
    fn a_marker_without_a_partner_ends_with_its_line() {
        for (text, expected) in [
            ("**open\nnext **bold** x", "**<b>open</>\nnext **<b>bold</>** x"),
            ("**kwargs\n\nnext", "**<b>kwargs</>\n\nnext"),
            ("a `b\nc", "a <c>`b</>\nc"),
        ] {
            assert_eq!(readable(text), expected);
        }
    }

    fn text() -> impl Strategy<Value = String> {
        "([-#*`~>_a1é世\\\\. \t\n]|```|~~~~|\\*\\*|__|\n|\n```\n|👨\u{200d}👩){0,60}"
    }

    proptest! {
        #[test]
        fn only_styles_are_added_and_they_end_with_the_line(text in text()) {
            let out = highlight([&*text]);
            prop_assert_eq!(without_styles(&out), &*text);
            for line in out.lines() {
                let last = line.rfind('\u{1b}');
                prop_assert!(last.is_none_or(|at| line[at..].starts_with(RESET)), "{:?}", line);
            }
        }

        #[test]
        fn it_does_not_matter_where_the_text_is_cut(text in text(), cuts in prop::collection::vec(any::<bool>(), 400)) {
            let mut chunks = vec![0];
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            chunks.extend(ends.zip(cuts).filter_map(|(at, cut)| cut.then_some(at)));
            chunks.push(text.len());
            let chunks: Vec<&str> = chunks.windows(2).map(|ends| &text[ends[0]..ends[1]]).collect();
            let (mut highlighter, mut out) = (Highlighter::default(), String::new());
            for chunk in &chunks {
                let mut bytes = Vec::new();
                highlighter.push(chunk, &mut bytes);
                let piece = String::from_utf8(bytes).expect("UTF-8");
                // nothing is held back, and the terminal is left plain
                prop_assert_eq!(&without_styles(&piece), chunk);
                let last = cells(&format!("{piece}.")).pop();
                prop_assert_eq!(last, Some(('.', PLAIN)));
                out += &piece;
            }
            prop_assert_eq!(cells(&out), cells(&highlight([&*text])));
        }
    }
}
