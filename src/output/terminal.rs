//! Prevents text from outside from controlling the terminal.

use std::borrow::Cow;

/// The text with every character that controls a terminal made visible: the C0 controls as their pictures, all
/// others as U+FFFD. Newlines, tabs and all printable text stay.
pub fn sanitize(text: &str) -> Cow<'_, str> {
    let plain = |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t');
    if text.bytes().all(plain) || !text.contains(is_control) {
        return Cow::Borrowed(text);
    }
    text.replace("\r\n", "\n")
        .chars()
        .map(|char| match char {
            char if !is_control(char) => char,
            '\0'..='\x1F' => char::from_u32(0x2400 + char as u32).unwrap_or('\u{FFFD}'),
            '\x7F' => '\u{2421}',
            _ => '\u{FFFD}',
        })
        .collect()
}

/// Controls; bidirectional marks, embeddings, overrides and isolates (Trojan Source); characters without width that
/// hide text. The two joiners are allowed, because Persian, Hindi and emoji need them.
fn is_control(char: char) -> bool {
    match char {
        '\n' | '\t' => false,
        '\u{061C}'
        | '\u{180E}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{FEFF}'
        | '\u{FFF9}'..='\u{FFFB}'
        | '\u{E0000}'..='\u{E007F}' => true,
        char => char.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attacks_are_shown_instead_of_obeyed() {
        for (name, text, visible) in [
            ("colours", "\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
            ("window title", "\x1b]0;pwned\x07", "␛]0;pwned␇"),
            ("clipboard, OSC 52", "\x1b]52;c;cm0gLXJm\x1b\\", "␛]52;c;cm0gLXJm␛\\"),
            ("link, OSC 8", "\x1b]8;;http://evil\x1b\\ok", "␛]8;;http://evil␛\\ok"),
            ("status report, DSR", "\x1b[6n", "␛[6n"),
            ("C1 in UTF-8", "\u{9b}31m", "\u{fffd}31m"),
            ("overwriting a line", "harmless\rrm -rf", "harmless␍rm -rf"),
            ("backspaces", "ab\x08\x08", "ab␈␈"),
            ("bidirectional override", "a\u{202e}b", "a\u{fffd}b"),
            ("hidden words", "a\u{200b}\u{e0041}b", "a\u{fffd}\u{fffd}b"),
            ("delete", "a\x7f", "a␡"),
        ] {
            assert_eq!(sanitize(text), visible, "{name}");
        }
    }

    #[test]
    fn printable_text_of_every_script_stays() {
        for text in
            ["a\tb\nc", "Grüße, мир, 世界", "می\u{200c}خواهم", "👨\u{200d}👩\u{200d}👧", "e\u{301}"]
        {
            assert_eq!(sanitize(text), text);
        }
        assert_eq!(sanitize("line\r\nend"), "line\nend");
    }

    proptest! {
        #[test]
        fn nothing_but_newline_and_tab_controls_the_terminal(text in any::<String>(), tail in "\\PC*") {
            let visible = sanitize(&text);
            prop_assert!(visible.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')));
            prop_assert!(!visible.contains(is_control));
            if !tail.contains(is_control) {
                prop_assert_eq!(sanitize(&tail), tail.as_str());
            }
        }
    }
}
