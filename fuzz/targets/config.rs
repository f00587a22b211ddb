//! Each line of a configuration file is an argument, or an error that names the line.
#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use anyask::cli::config::{command, parse};
use anyask::input::Text;
use libfuzzer_sys::fuzz_target;

static COMMAND: LazyLock<clap::Command> = LazyLock::new(command);

fuzz_target!(|file: &[u8]| {
    let parsed = parse(&COMMAND, Path::new("/home/config"), file.to_vec());
    let text = Text::decode(file.to_vec()).text;
    match parsed {
        Ok(lines) => {
            let is_argument = |line: &&str| !line.is_empty() && !line.starts_with('#');
            let count = text.lines().map(str::trim).filter(is_argument).count();
            assert_eq!(lines.len(), count);
            for line in lines {
                assert!(line.argument.to_string_lossy().starts_with('-'));
            }
        }
        Err(error) => assert!(error.to_string().starts_with("/home/config:"), "{error}"),
    }
});
