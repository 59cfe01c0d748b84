//! Which country a region lies in, for the tones that its callers know.

use super::Region;

impl Region {
    /// ISO 3166-1, two letters in lower case: what `tones` says, else the country of the first of the region's prefixes that
    /// tells one, else that of its language; `None` where none of them does.
    pub fn country(&self) -> Option<String> {
        let told = self.tones.as_deref().map(str::to_ascii_lowercase);
        let by_prefix = || self.prefixes.iter().find_map(|prefix| of_prefix(prefix)).map(str::to_owned);
        told.or_else(by_prefix).or_else(|| of_language(self.language.as_deref()?))
    }
}

/// By the country code of a number or its beginning, `+33` (ITU-T E.164).
fn of_prefix(prefix: &str) -> Option<&'static str> {
    let digits = prefix.strip_prefix('+').or_else(|| prefix.strip_prefix("00"))?;
    // No country code begins with another one.
    CODES.iter().find(|(code, _)| digits.starts_with(code)).map(|(_, country)| *country)
}

/// By the country within a language (`fr-CA`), or the one whose language it is first of all. English is at home in too
/// many to tell.
fn of_language(language: &str) -> Option<String> {
    let mut tags = language.split('-');
    let base = tags.next()?;
    if let Some(country) = tags.find(|tag| tag.len() == 2 && tag.bytes().all(|byte| byte.is_ascii_alphabetic())) {
        return Some(country.to_ascii_lowercase());
    }
    let known = LANGUAGES.iter().find(|(language, _)| *language == base);
    known.map(|(_, country)| (*country).to_owned())
}

const CODES: [(&str, &str); 66] = [
    ("1", "us"),
    ("20", "eg"),
    ("212", "ma"),
    ("213", "dz"),
    ("216", "tn"),
    ("27", "za"),
    ("30", "gr"),
    ("31", "nl"),
    ("32", "be"),
    ("33", "fr"),
    ("34", "es"),
    ("351", "pt"),
    ("352", "lu"),
    ("353", "ie"),
    ("354", "is"),
    ("356", "mt"),
    ("357", "cy"),
    ("358", "fi"),
    ("359", "bg"),
    ("36", "hu"),
    ("370", "lt"),
    ("371", "lv"),
    ("372", "ee"),
    ("380", "ua"),
    ("381", "rs"),
    ("385", "hr"),
    ("386", "si"),
    ("39", "it"),
    ("40", "ro"),
    ("41", "ch"),
    ("420", "cz"),
    ("421", "sk"),
    ("43", "at"),
    ("44", "gb"),
    ("45", "dk"),
    ("46", "se"),
    ("47", "no"),
    ("48", "pl"),
    ("49", "de"),
    ("51", "pe"),
    ("52", "mx"),
    ("54", "ar"),
    ("55", "br"),
    ("56", "cl"),
    ("57", "co"),
    ("58", "ve"),
    ("60", "my"),
    ("61", "au"),
    ("62", "id"),
    ("63", "ph"),
    ("64", "nz"),
    ("65", "sg"),
    ("66", "th"),
    ("7", "ru"),
    ("81", "jp"),
    ("82", "kr"),
    ("84", "vn"),
    ("852", "hk"),
    ("86", "cn"),
    ("886", "tw"),
    ("90", "tr"),
    ("91", "in"),
    ("92", "pk"),
    ("966", "sa"),
    ("971", "ae"),
    ("972", "il"),
];

const LANGUAGES: [(&str, &str); 28] = [
    ("bg", "bg"),
    ("cs", "cz"),
    ("da", "dk"),
    ("de", "de"),
    ("el", "gr"),
    ("es", "es"),
    ("et", "ee"),
    ("fi", "fi"),
    ("fr", "fr"),
    ("he", "il"),
    ("hi", "in"),
    ("hr", "hr"),
    ("hu", "hu"),
    ("it", "it"),
    ("ja", "jp"),
    ("ko", "kr"),
    ("lb", "lu"),
    ("lt", "lt"),
    ("ms", "my"),
    ("nb", "no"),
    ("nl", "nl"),
    ("pl", "pl"),
    ("pt", "pt"),
    ("ru", "ru"),
    ("sk", "sk"),
    ("sl", "si"),
    ("sv", "se"),
    ("th", "th"),
];

#[cfg(test)]
mod tests {
    use super::CODES;
    use crate::directory::Region;

    fn region(tones: Option<&str>, prefixes: &[&str], language: Option<&str>) -> Option<String> {
        Region {
            name: "here".into(),
            language: language.map(Into::into),
            networks: Vec::new(),
            prefixes: prefixes.iter().map(|prefix| (*prefix).into()).collect(),
            tones: tones.map(Into::into),
        }
        .country()
    }

    #[test]
    fn what_is_said_counts_before_numbers_and_numbers_before_language() {
        assert_eq!(region(Some("BE"), &["+33"], Some("nl")).as_deref(), Some("be"));
        assert_eq!(region(None, &["01", "+331"], Some("nl")).as_deref(), Some("fr"));
        assert_eq!(region(None, &["00352"], None).as_deref(), Some("lu"));
        assert_eq!(region(None, &["0"], Some("nl")).as_deref(), Some("nl"));
        assert_eq!(region(None, &[], Some("en-gb")).as_deref(), Some("gb"));
        assert_eq!(region(None, &[], Some("zh-Hant-TW")).as_deref(), Some("tw"));
        assert_eq!(region(None, &["+999"], Some("en")), None);
        assert_eq!(region(None, &[], None), None);
    }

    #[test]
    fn no_country_code_begins_with_another() {
        for (code, _) in CODES {
            let others = CODES.iter().filter(|(other, _)| *other != code);
            assert!(others.clone().all(|(other, _)| !other.starts_with(code)), "{code}");
            assert_eq!(others.count(), CODES.len() - 1, "{code} is there twice");
        }
    }
}
