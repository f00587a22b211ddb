//! Keeps other people's text from driving the terminal. Pure functions.

use std::borrow::Cow;

/// The text with every character that a terminal would obey made visible instead: C0 as its control
/// picture, anything else of the kind as U+FFFD. Newline and tab pass; so does all plain text.
pub fn defused(text: &str) -> Cow<'_, str> {
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
        || !text.contains(is_armed)
    {
        return Cow::Borrowed(text);
    }
    // a line end of two characters is one line end
    let text = text.replace("\r\n", "\n");
    Cow::Owned(
        text.chars()
            .map(|char| if is_armed(char) { picture(char) } else { char })
            .collect(),
    )
}

/// What a terminal would obey: controls; bidirectional marks, embeddings, overrides and isolates
/// (Trojan Source); characters of no width that hide text. The two joiners are not among them,
/// because Persian, Hindi and emoji need them.
fn is_armed(char: char) -> bool {
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

fn picture(char: char) -> char {
    match char {
        '\0'..='\x1F' => char::from_u32(0x2400 + char as u32).unwrap_or('\u{FFFD}'),
        '\x7F' => '\u{2421}',
        _ => '\u{FFFD}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn attacks_are_shown_instead_of_obeyed() {
        let attacks = [
            ("colours", "\x1b[31mred\x1b[0m", "␛[31mred␛[0m"),
            ("window title", "\x1b]0;pwned\x07", "␛]0;pwned␇"),
            (
                "clipboard, OSC 52",
                "\x1b]52;c;cm0gLXJm\x1b\\",
                "␛]52;c;cm0gLXJm␛\\",
            ),
            (
                "link, OSC 8",
                "\x1b]8;;http://evil\x1b\\ok",
                "␛]8;;http://evil␛\\ok",
            ),
            ("status report, DSR", "\x1b[6n", "␛[6n"),
            ("C1 in UTF-8", "\u{9b}31m", "\u{fffd}31m"),
            ("overwriting a line", "harmless\rrm -rf", "harmless␍rm -rf"),
            ("backspaces", "ab\x08\x08", "ab␈␈"),
            ("bidirectional override", "a\u{202e}b", "a\u{fffd}b"),
            ("hidden words", "a\u{200b}\u{e0041}b", "a\u{fffd}\u{fffd}b"),
            ("delete", "a\x7f", "a␡"),
        ];
        for (name, text, shown) in attacks {
            assert_eq!(defused(text), shown, "{name}");
        }
    }

    #[test]
    fn plain_text_of_every_script_passes() {
        for text in [
            "a\tb\nc",
            "Grüße, мир, 世界",
            "می\u{200c}خواهم",
            "👨\u{200d}👩\u{200d}👧",
            "e\u{301}",
        ] {
            assert_eq!(defused(text), text);
        }
        assert_eq!(defused("line\r\nend"), "line\nend");
    }

    proptest! {
        #[test]
        fn nothing_but_newline_and_tab_controls_the_terminal(text in any::<String>(), tail in "\\PC*") {
            let shown = defused(&text);
            prop_assert!(shown.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')));
            prop_assert!(!shown.contains(is_armed));
            if !tail.contains(is_armed) {
                prop_assert_eq!(defused(&tail), tail.as_str());
            }
        }
    }
}
