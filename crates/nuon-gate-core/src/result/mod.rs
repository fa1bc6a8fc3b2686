//! The published result, by the version of its JSON form.
//!
//! A version is frozen once it is released. Another form is another module, so that what reads both names both.

pub mod v1;
