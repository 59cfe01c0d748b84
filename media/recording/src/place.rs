//! Where the objects of a recording lie.

use std::fmt;

/// The name of one recording, unique among those of a day: 1–128 letters, digits, `-`, `_` and `.`, not starting with a dot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Id(String);

impl Id {
    /// Takes what can stand in a path of any store.
    pub fn parse(text: &str) -> Result<Id, IdError> {
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = (1..=128).contains(&text.len()) && !text.starts_with('.') && text.bytes().all(is_plain);
        if fits { Ok(Id(text.to_owned())) } else { Err(IdError(text.chars().take(200).collect())) }
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text cannot be the name of a recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no name of a recording: 1 to 128 letters, digits, \"-\", \"_\" and \".\", not starting with a dot")]
pub struct IdError(pub String);

/// The folder of a recording that started at so many milliseconds since 1970 (UTC): `recordings/YYYY/MM/DD/<id>`.
pub fn folder(id: &Id, started: u64) -> String {
    let (year, month, day) = civil(started / 86_400_000);
    format!("recordings/{year:04}/{month:02}/{day:02}/{id}")
}

/// Year, month and day of the day so many days after 1970-01-01, in the Gregorian calendar. Years begin in March here, so that the leap day
/// is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    // From 0000-03-01 to 1970-01-01.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (era * 400 + year_of_era + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::{Id, civil, folder};

    #[test]
    fn the_folder_names_the_day_of_the_beginning() {
        let id = Id::parse("a84b4c76e66710").unwrap();
        assert_eq!(folder(&id, 0), "recordings/1970/01/01/a84b4c76e66710");
        assert_eq!(folder(&id, 951_782_399_999), "recordings/2000/02/28/a84b4c76e66710");
        assert_eq!(folder(&id, 951_782_400_000), "recordings/2000/02/29/a84b4c76e66710");
        assert_eq!(folder(&id, 1_795_284_192_000), "recordings/2026/11/21/a84b4c76e66710");
    }

    #[test]
    fn days_follow_each_other_through_four_centuries() {
        let mut last = civil(0);
        for day in 1..146_097 {
            let (year, month, number) = civil(day);
            let follows = (year, month, number) == (last.0, last.1, last.2 + 1)
                || (year, month, number) == (last.0, last.1 + 1, 1) && last.2 >= 28
                || (year, month, number) == (last.0 + 1, 1, 1) && (last.1, last.2) == (12, 31);
            assert!(follows, "{last:?} is followed by {year}-{month}-{number}");
            last = (year, month, number);
        }
        assert_eq!(last, (2369, 12, 31));
    }

    #[test]
    fn a_name_cannot_leave_its_folder() {
        for bad in ["", ".", "..", "../x", "a/b", "a b", ".hidden", "ä", &"x".repeat(129)] {
            assert!(Id::parse(bad).is_err(), "{bad}");
        }
        assert_eq!(Id::parse("2f.A_9-").unwrap().as_str(), "2f.A_9-");
    }
}
