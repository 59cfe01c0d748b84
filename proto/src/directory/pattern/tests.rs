use super::*;

fn pattern(text: &str) -> Pattern {
    match text.parse() {
        Ok(Match::Pattern(pattern)) => pattern,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn asterisk_notation() {
    for (text, meets, misses) in [
        ("_0ZXXXXXXXX", "0140000000", "0040000000"),
        ("_NXX", "211", "111"),
        ("_[1-35]0", "50", "40"),
        ("_9.", "91", "9"),
        ("_9!", "9", "8"),
        ("_+331400000XX", "+33140000012", "+3314000001"),
        ("_X-X X", "123", "1-2 3"),
        ("_*[a-c]", "*b", "*d"),
        ("_x.", "12", "a2"),
    ] {
        assert!(pattern(text).matches(meets), "{text} {meets}");
        assert!(!pattern(text).matches(misses), "{text} {misses}");
    }
}

#[test]
fn bad_patterns_say_why() {
    for (text, why) in [
        ("", PatternError::Empty),
        ("_", PatternError::Empty),
        ("_[12", PatternError::Set),
        ("_[]", PatternError::Set),
        ("_[5-2]", PatternError::Set),
        ("_[5-]", PatternError::Set),
        ("_[é]", PatternError::Character('é')),
        ("_1.2", PatternError::BehindTail('.')),
        ("_1!X", PatternError::BehindTail('!')),
        ("_12(3)", PatternError::Character('(')),
        ("60 01", PatternError::Character(' ')),
    ] {
        assert_eq!(text.parse::<Match>(), Err(why), "{text}");
    }
    assert_eq!("1".repeat(65).parse::<Match>(), Err(PatternError::TooLong));
    assert_eq!(format!("_{}", "X".repeat(65)).parse::<Match>(), Err(PatternError::TooLong));
}

#[test]
fn one_pattern_written_twice_is_known() {
    let meaning = |text: &str| text.parse::<Match>().unwrap().meaning();
    let same = |a: &str, b: &str| meaning(a) == meaning(b);
    assert!(same("_X", "_[0-9]"));
    assert!(same("_12-3", "_123"));
    assert!(!same("_12.", "_12!"));
    assert!(!same("12", "_12"));
}

#[test]
fn most_specific_pattern_wins() {
    let texts = ["_.", "_!", "_0.", "_0ZXXXXXXXX", "_00.", "_0033!", "_0[1-5]XXXXXXXX", "_XXX", "_11X", "_XX!"];
    let mut tree = PatternTree::default();
    for (i, text) in texts.iter().enumerate() {
        tree.insert(&pattern(text), i);
    }
    for (number, expected) in [
        ("0140000000", "_0[1-5]XXXXXXXX"),
        ("0640000000", "_0ZXXXXXXXX"),
        ("014", "_0."),
        ("00441", "_00."),
        ("0033", "_0033!"),
        ("112", "_11X"),
        ("123", "_XXX"),
        ("12", "_XX!"),
        ("bob", "_."),
        ("", "_!"),
    ] {
        assert_eq!(tree.find(number).map(|i| texts[i]), Some(expected), "{number}");
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut value = self.0;
        value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((value ^ (value >> 31)) % end as u64) as usize
    }
}

#[test]
fn the_tree_finds_what_asking_every_pattern_finds() {
    const PLACES: [&str; 10] = ["0", "1", "2", "9", "X", "Z", "N", "[0-3]", "[19]", "+"];
    const TAILS: [&str; 6] = ["", "", "", "", ".", "!"];
    for seed in 1..300 {
        let mut random = Random(seed);
        let mut patterns: Vec<Pattern> = Vec::new();
        for _ in 0..1 + random.below(40) {
            let places: String = (0..random.below(5)).map(|_| PLACES[random.below(PLACES.len())]).collect();
            let text = format!("_{places}{}", TAILS[random.below(TAILS.len())]);
            if text != "_" && !patterns.iter().any(|p| p.order(&pattern(&text)).is_eq()) {
                patterns.push(pattern(&text));
            }
        }
        let mut tree = PatternTree::default();
        for (i, pattern) in patterns.iter().enumerate() {
            tree.insert(pattern, i);
        }
        for _ in 0..200 {
            let number: String =
                (0..random.below(7)).map(|_| ["0", "1", "2", "5", "9", "+"][random.below(6)]).collect();
            let naive = patterns.iter().filter(|p| p.matches(&number)).min_by(|a, b| a.order(b));
            let found = tree.find(&number).map(|i| &patterns[i]);
            assert_eq!(found, naive, "seed {seed}, number {number}");
        }
    }
}
