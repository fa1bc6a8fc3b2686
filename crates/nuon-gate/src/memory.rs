//! What others may see of the program's memory.

/// Has the system write no core dump, in which the environment and every secret would stand, however it is set up. The
/// command after `--` is not kept from dumping its own: it begins anew (`PR_SET_DUMPABLE` in prctl(2)).
///
/// Elsewhere than on Linux the system's own settings hold, which are to write none unless somebody asks for them.
#[cfg(target_os = "linux")]
pub(crate) fn keep_from_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A kernel that cannot be told so is no reason to leave a pipeline without its gate.
    let _ = set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn keep_from_dumps() {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use rustix::process::{DumpableBehavior, dumpable_behavior};

    #[test]
    fn no_core_dump_is_written() {
        super::keep_from_dumps();
        assert_eq!(dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
