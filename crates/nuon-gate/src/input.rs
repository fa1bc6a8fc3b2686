//! Reading what the user names: a file, or stdin for `-`.

use std::io::{self, Read as _};
use std::path::Path;

/// Reads text of at most so many bytes; what is longer is cut.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<String> {
    let mut text = String::new();
    match path.as_os_str() == "-" {
        true => io::stdin().take(longest).read_to_string(&mut text)?,
        false => std::fs::File::open(path)?.take(longest).read_to_string(&mut text)?,
    };
    Ok(text)
}
