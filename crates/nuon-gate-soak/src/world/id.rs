//! Ids as Nuon generates them: three letters and 23 of `[0-9a-z]`.

use std::fmt;

use fastrand::Rng;

/// An id of 26 characters.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Id([u8; 26]);

impl Id {
    /// Generates an id with a prefix of three letters.
    pub(super) fn new(rng: &mut Rng, prefix: &str) -> Self {
        const ALPHABET: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut bytes = [b'0'; 26];
        bytes[..3].copy_from_slice(&prefix.as_bytes()[..3]);
        let mut pool = 0_u64;
        for (at, byte) in bytes[3..].iter_mut().enumerate() {
            if at % 12 == 0 {
                pool = rng.u64(..);
            }
            // The remainder is below 36.
            *byte = ALPHABET[(pool % 36) as usize];
            pool /= 36;
        }
        Self(bytes)
    }

    /// Derives an id from another one: the same letters behind another prefix.
    pub(super) fn kin(self, prefix: &str) -> Self {
        let mut bytes = self.0;
        bytes[..3].copy_from_slice(&prefix.as_bytes()[..3]);
        Self(bytes)
    }

    /// Derives an id from another one and a number.
    pub(super) fn nth(self, prefix: &str, number: u32) -> Self {
        let mut kin = self.kin(prefix);
        kin.0[3] = b'a' + (number % 26) as u8;
        kin.0[4] = b'a' + (number / 26 % 26) as u8;
        kin
    }

    /// Returns the text.
    pub(super) fn as_str(&self) -> &str {
        // It only ever holds ASCII.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// Returns whether a text is this id.
    pub(super) fn is(&self, text: &str) -> bool {
        self.0.as_slice() == text.as_bytes()
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
