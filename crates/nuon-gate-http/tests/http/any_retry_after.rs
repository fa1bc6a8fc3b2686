//! Whatever the value of `Retry-After`, the result is a pause that can be kept, or none.

use std::time::Duration;

use jiff::fmt::rfc2822;
use jiff::{SignedDuration, Timestamp};
use nuon_gate_http::retry_after;
use proptest::prelude::*;

/// Longer than any wait, and short enough to be added to any point in time.
const LONGEST: Duration = Duration::from_secs(u32::MAX as u64);

fn moments() -> impl Strategy<Value = Timestamp> {
    (946_684_800_i64..7_258_118_400).prop_map(|second| Timestamp::from_second(second).unwrap())
}

fn date(at: Timestamp) -> String {
    rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_value_is_bounded(
        value in prop_oneof![any::<String>(), "[0-9]{1,25}", "[ 0-9A-Za-z:,+.-]{0,40}", "(Mon, )?[0-9]{1,2} (Jan|Dec) [0-9]{1,5} [0-9:]{4,8} (GMT|UT|EST|[+-][0-9]{4})"],
        date in prop_oneof![Just(None), any::<String>().prop_map(Some), moments().prop_map(|at| Some(date(at)))],
        now in prop_oneof![moments(), Just(Timestamp::MIN), Just(Timestamp::MAX)],
    ) {
        let pause = retry_after(&value, date.as_deref(), now);
        prop_assert!(pause.is_none_or(|pause| pause <= LONGEST), "{:?}", pause);
    }

    #[test]
    fn seconds_are_seconds(seconds in prop_oneof![0_u64..100_000, any::<u64>(), u64::MAX - 3..], now in moments()) {
        let expected = Duration::from_secs(seconds).min(LONGEST);
        prop_assert_eq!(retry_after(&format!(" {seconds:03}\t"), Some("nonsense"), now), Some(expected));
        prop_assert_eq!(retry_after(&format!("-{seconds}"), None, now), None);
        prop_assert_eq!(retry_after(&format!("{seconds}.5"), None, now), None);
    }

    #[test]
    fn a_date_counts_from_the_servers_clock(
        server in moments(),
        ours in moments(),
        away in -1_000_000_i64..1_000_000,
    ) {
        let until = date(server + SignedDuration::from_secs(away));
        let expected = Some(Duration::from_secs(u64::try_from(away).unwrap_or(0)));
        prop_assert_eq!(retry_after(&until, Some(&date(server)), ours), expected);
        prop_assert_eq!(retry_after(&until, None, server), expected);
    }
}
