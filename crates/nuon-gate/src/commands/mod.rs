//! The commands other than `wait` and `status`.

pub(crate) mod check;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod manual;
pub(crate) mod mark;
pub(crate) mod merge;
pub(crate) mod notify;
pub(crate) mod sim;
