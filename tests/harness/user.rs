//! Who runs the tests, and somebody else.

use super::is_installed;

/// The user nobody.
pub const OTHER_USER: u32 = 65_534;

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// A line of bash as a user for whom file modes count. `None` for root, if it cannot become somebody else.
pub fn as_other_user(line: &str) -> Option<String> {
    if !is_root() {
        return Some(line.into());
    }
    let user = format!("--reuid={OTHER_USER} --regid={OTHER_USER} --clear-groups");
    is_installed("setpriv").then(|| format!("setpriv {user} {line}"))
}
