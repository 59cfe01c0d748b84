//! The tones that tell a caller what a call is at, as each country's subscribers know them.

mod countries;

use crate::Phase;
use countries::{COUNTRIES, DEFAULT};

/// One country's tones, each a cadence that goes round and round ([`Signal`](crate::Signal) plays it).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tones {
    /// ISO 3166-1, two letters in lower case; empty for the tones of no country.
    pub country: &'static str,
    /// The exchange waits for a number.
    pub dial: &'static [Phase],
    /// The other phone rings.
    pub ringback: &'static [Phase],
    /// The other phone is in a call.
    pub busy: &'static [Phase],
    /// No way to the other phone is free ("reorder").
    pub congestion: &'static [Phase],
    /// The call cannot be completed, for a reason that is told behind it: three rising notes in most countries.
    pub information: &'static [Phase],
    /// Another call waits.
    pub waiting: &'static [Phase],
    /// The call is recorded.
    pub record: &'static [Phase],
}

impl Tones {
    /// The tones of a country by its ISO 3166-1 code of two letters, in either case; those that E.180 recommends where the
    /// country is not known.
    pub fn of(country: &str) -> &'static Tones {
        let lower = country.to_ascii_lowercase();
        COUNTRIES.binary_search_by(|tones| tones.country.cmp(&*lower)).map_or(&DEFAULT, |index| &COUNTRIES[index])
    }

    /// One of the tones that a caller hears instead of a person, by its name: `dial`, `ringback`, `busy`, `congestion`,
    /// `information`.
    pub fn named(&self, name: &str) -> Option<&'static [Phase]> {
        Some(match name {
            "dial" => self.dial,
            "ringback" => self.ringback,
            "busy" => self.busy,
            "congestion" => self.congestion,
            "information" => self.information,
            _ => return None,
        })
    }

    /// Every country that is known, in ascending order of its code.
    pub fn all() -> &'static [Tones] {
        COUNTRIES
    }
}

#[cfg(test)]
mod tests {
    use super::Tones;
    use crate::{Phase, RATE, Signal, goertzel, level};

    fn heard(cadence: &[Phase], milliseconds: usize) -> Vec<i16> {
        Signal::new(cadence, RATE).take(milliseconds * 8).collect()
    }

    #[test]
    fn each_country_is_found_by_its_code_in_either_case() {
        assert!(Tones::all().len() >= 30);
        assert!(Tones::all().is_sorted_by(|one, other| one.country < other.country));
        for tones in Tones::all() {
            assert_eq!(tones.country.len(), 2);
            assert_eq!(Tones::of(tones.country), tones);
            assert_eq!(Tones::of(&tones.country.to_uppercase()), tones);
        }
        for unknown in ["", "xx", "fra", "é"] {
            assert_eq!(Tones::of(unknown).country, "", "{unknown:?}");
        }
    }

    #[test]
    fn no_tone_of_any_country_is_silent_too_loud_or_unending_but_the_dial_tone() {
        for tones in Tones::all().iter().chain([Tones::of("")]) {
            let Tones { country, dial, ringback, busy, congestion, information, waiting, record } = *tones;
            assert!(dial.iter().any(|phase| phase.tone.is_some()), "{country}");
            for cadence in [ringback, busy, congestion, information, waiting, record] {
                assert!(cadence.iter().map(|phase| phase.milliseconds).sum::<u32>() < 70_000, "{country}: {cadence:?}");
                assert!(cadence.last().is_some_and(|phase| phase.tone.is_none() || country == "il"), "{country}");
            }
            for cadence in [dial, ringback, busy, congestion, information, waiting, record] {
                assert!(cadence[0].tone.is_some(), "{country}: begins with a pause");
                let first = heard(cadence, cadence[0].milliseconds.min(1000) as usize);
                assert!((level(&first) + 10.0).abs() < 0.6, "{country}: {} {cadence:?}", level(&first));
            }
        }
    }

    #[test]
    fn a_french_caller_hears_440_hertz_for_a_second_and_a_half_in_five() {
        let rings = heard(Tones::of("FR").ringback, 5000);
        assert!((goertzel(&rings[..12_000], RATE, 440.0) + 10.0).abs() < 0.1);
        assert_eq!(level(&rings[12_000..]), f64::NEG_INFINITY);
    }

    #[test]
    fn a_british_phone_rings_twice_and_an_american_one_once() {
        let british = heard(Tones::of("gb").ringback, 3000);
        let sounds: Vec<bool> = british.chunks(1600).map(|part| level(part) > -20.0).collect();
        assert_eq!(sounds[..6], [true, true, false, true, true, false]);
        assert!(sounds[6..].iter().all(|sounds| !sounds));
        let american = heard(Tones::of("us").ringback, 6000);
        for hertz in [440.0, 480.0] {
            assert!((goertzel(&american[..16_000], RATE, hertz) + 13.0).abs() < 0.1);
        }
        assert_eq!(level(&american[16_000..]), f64::NEG_INFINITY);
    }

    #[test]
    fn busy_and_congestion_differ_in_pace_in_germany() {
        let tones = Tones::of("de");
        assert_eq!((tones.busy[0].milliseconds, tones.busy[1].milliseconds), (480, 480));
        assert_eq!((tones.congestion[0].milliseconds, tones.congestion[1].milliseconds), (240, 240));
    }

    #[test]
    fn the_special_information_tone_rises() {
        let notes = heard(Tones::of("it").information, 990);
        for (note, hertz) in notes.chunks_exact(2640).zip([950.0, 1400.0, 1800.0]) {
            assert!((goertzel(note, RATE, hertz) + 10.0).abs() < 0.2, "{hertz}");
        }
    }
}
