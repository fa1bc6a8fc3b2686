//! Keeps secrets out of core dumps.

/// Disables core dumps, which would hold the environment and every secret. The command after `--` can still dump core:
/// the setting is reset on exec (`PR_SET_DUMPABLE` in prctl(2)).
///
/// Systems other than Linux keep their own settings, which by default write none.
#[cfg(target_os = "linux")]
pub(crate) fn keep_from_dumps() {
    use rustix::process::{DumpableBehavior, set_dumpable_behavior};
    // A kernel that refuses is no reason to fail the run.
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
