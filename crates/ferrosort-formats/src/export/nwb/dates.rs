//! Dates as ISO 8601.

use std::time::{SystemTime, UNIX_EPOCH};

/// The start of a session that nobody told.
pub(super) const UNKNOWN: &str = "1970-01-01T00:00:00+00:00";

/// A time to the second, in UTC; before 1970 there is none.
pub(super) fn text(time: SystemTime) -> String {
    let seconds = time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let (days, of_day) = (seconds / 86_400, seconds % 86_400);
    let [year, month, day] = civil(days as i64);
    let [hour, minute, second] = [of_day / 3600, of_day / 60 % 60, of_day % 60];
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}+00:00")
}

/// Year, month and day of a number of days since 1970-01-01 (Gregorian calendar, years that begin in March, eras of 400 years).
fn civil(days: i64) -> [i64; 3] {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 {
        march_month + 3
    } else {
        march_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    [year, month, day]
}

/// Whether a text is a date and a time with its distance from UTC: `2026-03-01T14:30:00+01:00`, `...:00.5Z`.
pub(super) fn is_time_with_zone(text: &str) -> bool {
    let (Some((date, time)), true) = (text.split_once('T'), text.is_ascii()) else {
        return false;
    };
    let zone_at = time.find(['Z', '+', '-']);
    let Some((time, zone)) = zone_at.map(|at| time.split_at(at)) else {
        return false;
    };
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let digits = !fraction.is_empty() && fraction.len() <= 6 && fraction.bytes().all(|b| b.is_ascii_digit());
    let zone_fits = zone == "Z" || numbers(&zone[1..], ':', &[(2, 0, 23), (2, 0, 59)]);
    digits && zone_fits && numbers(time, ':', &[(2, 0, 23), (2, 0, 59), (2, 0, 59)]) && is_date(date)
}

/// A day that the calendar has.
fn is_date(date: &str) -> bool {
    let month_days = |year: u32, month: u32| match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let parts: Vec<u32> = date.split('-').filter_map(|part| part.parse().ok()).collect();
    numbers(date, '-', &[(4, 1, 9999), (2, 1, 12), (2, 1, 31)])
        && matches!(parts.as_slice(), &[year, month, day] if day <= month_days(year, month))
}

/// Whether a text is these numbers: digits, least and largest value of each.
fn numbers(text: &str, separator: char, wanted: &[(usize, u32, u32)]) -> bool {
    let parts: Vec<&str> = text.split(separator).collect();
    let fits = |(part, &(digits, least, largest)): (&&str, &(usize, u32, u32))| {
        part.len() == digits
            && part.bytes().all(|b| b.is_ascii_digit())
            && part.parse().is_ok_and(|n: u32| (least..=largest).contains(&n))
    };
    parts.len() == wanted.len() && parts.iter().zip(wanted).all(fits)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn days_of_the_calendar() {
        let at = |seconds| text(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), UNKNOWN);
        assert_eq!(at(951_827_696), "2000-02-29T12:34:56+00:00");
        assert_eq!(at(4_102_444_799), "2099-12-31T23:59:59+00:00");
    }

    #[test]
    fn times_that_mean_one_moment() {
        for good in [
            "2026-03-01T14:30:00+01:00",
            "2024-02-29T00:00:00Z",
            "2026-03-01T14:30:00.123456-05:30",
            UNKNOWN,
        ] {
            assert!(is_time_with_zone(good), "{good}");
        }
        for bad in [
            "",
            "2026-03-01",
            "2026-03-01T14:30:00",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01 14:30:00Z",
            "2026-03-01T14:30:00+1",
            "2026-03-01T14:30:00.Z",
            "2026-03-0١T14:30:00Z",
        ] {
            assert!(!is_time_with_zone(bad), "{bad}");
        }
    }
}
