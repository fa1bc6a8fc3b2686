//! Reading what the user names: a file, or stdin for `-`.

use std::io::{self, Read};
use std::path::Path;

/// Reads text of at most so many bytes. What is longer is refused, as a part of it could mean something else.
pub(crate) fn read(path: &Path, longest: u64) -> io::Result<String> {
    match path.as_os_str() == "-" {
        true => whole(io::stdin(), longest),
        false => whole(std::fs::File::open(path)?, longest),
    }
}

fn whole(source: impl Read, longest: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    source.take(longest.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > longest {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {} MiB", longest >> 20)));
    }
    let text =
        String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))?;
    // Editors on Windows begin a file with a mark that is none of its text.
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_whole_or_not_at_all() {
        let longest = 1 << 20;
        let text = "é".repeat(longest / 2);
        assert_eq!(whole(text.as_bytes(), longest as u64).unwrap(), text);
        let error = whole(io::repeat(b' '), longest as u64).unwrap_err();
        assert_eq!(error.to_string(), "it is larger than 1 MiB");
        // A character that the limit would cut in two is no reason to speak of characters.
        let error = whole(format!(" {text}").as_bytes(), longest as u64).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::FileTooLarge);
        assert_eq!(whole("\u{feff}a/b\u{feff}".as_bytes(), 99).unwrap(), "a/b\u{feff}");
        assert_eq!(whole(&b"\xff"[..], 9).unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
