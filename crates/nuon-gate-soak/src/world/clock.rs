//! The server's clock, which may be wrong.

use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

/// When the gate starts by default, in microseconds since 1970.
pub(super) const STARTED_AT: i64 = 1_800_000_000_000_000;

/// Converts the story's milliseconds, with 0 at the gate's start, into the server's times.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    /// The true time of the start, in microseconds since 1970.
    pub(super) started_at: i64,
    /// How far the server's clock is ahead, in milliseconds.
    pub(super) ahead: i64,
    /// When the clock is set back, and by how much.
    pub(super) back: Option<(i64, i64)>,
    /// All durations are divided by this.
    pub(super) divide: i64,
}

impl Clock {
    /// Returns the microseconds since 1970 that the server says at this time.
    pub(super) fn micros(&self, at: i64) -> i64 {
        let back = self.back.filter(|(from, _)| at >= *from).map_or(0, |(_, by)| by);
        let shown = (at + self.ahead - back) * 1000 + 273;
        self.started_at + shown.div_euclid(self.divide)
    }

    /// Returns seconds since 1970.
    pub(super) fn seconds(&self, at: i64) -> i64 {
        self.micros(at).div_euclid(1_000_000)
    }

    fn stamp(&self, at: i64) -> Timestamp {
        Timestamp::from_microsecond(self.micros(at)).unwrap_or_default()
    }

    /// Returns RFC 3339 with microseconds.
    pub(super) fn rfc3339(&self, at: i64) -> String {
        let mut out = String::with_capacity(27);
        self.write_rfc3339(&mut out, at);
        out
    }

    /// Writes RFC 3339 with microseconds. Written by hand, because times would otherwise be most of the cost of a body.
    pub(super) fn write_rfc3339(&self, out: &mut String, at: i64) {
        let micros = self.micros(at);
        let (seconds, fraction) = (micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000));
        let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
        let (year, month, day) = civil(days);
        digits(out, year, 4);
        for (sign, number) in
            [('-', month), ('-', day), ('T', second / 3600), (':', second / 60 % 60), (':', second % 60)]
        {
            out.push(sign);
            digits(out, number, 2);
        }
        out.push('.');
        digits(out, fraction, 6);
        out.push('Z');
    }

    /// Returns a time in the format of HTTP headers.
    pub(super) fn http_date(&self, at: i64) -> String {
        DateTimePrinter::new().timestamp_to_rfc9110_string(&self.stamp(at)).unwrap_or_default()
    }
}

/// Returns year, month and day of a day since 1970. Counts from March in the calendar's period of 400 years, or 146,097
/// days.
fn civil(days: i64) -> (i64, i64, i64) {
    let from_march = days + 719_468;
    let (era, day_of_era) = (from_march.div_euclid(146_097), from_march.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Writes a number with this many digits, at most eight.
fn digits(out: &mut String, number: i64, width: usize) {
    let mut left = number.unsigned_abs() as u32;
    let mut text = [b'0'; 8];
    for place in text[..width].iter_mut().rev() {
        // A remainder of ten is one digit.
        *place = b'0' + (left % 10) as u8;
        left /= 10;
    }
    out.push_str(std::str::from_utf8(&text[..width]).unwrap_or_default());
}
