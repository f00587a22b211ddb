//! The program: everything is in the library, so that tests and generators share its code.

fn main() -> std::process::ExitCode {
    anyask::run()
}
