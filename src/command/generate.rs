//! `--generate`: the man page and the completions, which were written when the program was.

use crate::settings::Document;

/// The text of a document.
pub fn document(document: Document) -> &'static str {
    match document {
        Document::Man => include_str!("../../man/anyask.1"),
        Document::CompleteBash => include_str!("../../completions/anyask.bash"),
        Document::CompleteZsh => include_str!("../../completions/_anyask"),
        Document::CompleteFish => include_str!("../../completions/anyask.fish"),
        Document::CompletePowershell => include_str!("../../completions/_anyask.ps1"),
        Document::CompleteElvish => include_str!("../../completions/anyask.elv"),
        Document::CompleteNushell => include_str!("../../completions/anyask.nu"),
    }
}
