//! Nothing that reaches a terminal controls it, and what is harmless stays as it is.
#![no_main]

use anyask::output::terminal::sanitize;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let shown = sanitize(&text);
    assert!(shown.chars().all(|char| !char.is_control() || matches!(char, '\n' | '\t')));
    assert!(!shown.contains(['\u{202e}', '\u{200b}', '\u{2066}', '\u{feff}']));
    assert_eq!(sanitize(&shown), shown);
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t')) {
        assert_eq!(shown, text);
    }
});
