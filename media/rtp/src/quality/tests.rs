use super::*;

fn near(left: f64, right: f64, within: f64) {
    assert!((left - right).abs() <= within, "{left} is not {right}");
}

fn rating(codec: Codec, loss: f64, delay: u64) -> Rating {
    Conditions { codec, loss, delay: Duration::from_millis(delay) }.rating()
}

#[test]
fn with_every_default_r_is_93_2_and_mos_4_41() {
    let rating = rating(Codec::G711, 0.0, 0);
    near(rating.r, 93.2, 1e-9);
    near(rating.mos, 4.41, 0.005);
}

/// G.107 Annex B, table B.1.
#[test]
fn mos_of_r_is_that_of_the_table() {
    for (r, expected) in [(90.0, 4.34), (80.0, 4.03), (70.0, 3.60), (60.0, 3.10), (50.0, 2.58)] {
        near(mos(r), expected, 0.007);
    }
    // G.107 (B-4): 1 and 4.5 are the ends.
    assert_eq!([mos(0.0), mos(3.0), mos(100.0)], [1.0, 1.0, 4.5]);
}

#[test]
fn mos_never_falls_while_r_rises() {
    let all: Vec<f64> = (0..=1000).map(|tenths| mos(f64::from(tenths) / 10.0)).collect();
    assert!(all.is_sorted(), "{all:?}");
}

/// G.107 §7.4, by hand: X = lg(Ta / 100) / lg 2.
#[test]
fn delay_is_free_up_to_100_ms_and_costly_from_200_on() {
    for (delay, expected) in [(0, 0.0), (100, 0.0), (150, 0.16), (200, 3.04), (400, 24.07), (800, 40.83)] {
        near(delay_impairment(Duration::from_millis(delay)), expected, 0.02);
    }
}

/// G.107 §7.5 with the values of G.113 Appendix I.
#[test]
fn loss_costs_what_the_codecs_robustness_says() {
    for (codec, percent, impairment) in [
        (Codec::G711, 1.0, 3.64),
        (Codec::G711, 5.0, 15.78),
        (Codec::G711, 10.0, 27.07),
        (Codec::G729, 0.0, 11.0),
        (Codec::G729, 1.0, 15.2),
        (Codec::G729, 4.0, 25.61),
        (Codec::G723, 2.0, 23.84),
        (Codec::GsmEfr, 10.0, 50.0),
    ] {
        near(93.2 - rating(codec, percent / 100.0, 0).r, impairment, 0.01);
    }
    near(rating(Codec::G729, 0.0, 0).mos, 4.10, 0.01);
    near(rating(Codec::Gsm, 0.0, 0).mos, 3.74, 0.01);
}

#[test]
fn nothing_leaves_the_scale() {
    for codec in
        [Codec::G711, Codec::G722, Codec::Opus, Codec::Gsm, Codec::G723, Codec::G729, Codec::Ilbc, Codec::Other]
    {
        for loss in [-1.0, 0.0, 0.5, 1.0, 7.0] {
            for delay in [0, 100, 1000, 1_000_000] {
                let Rating { r, mos } = rating(codec, loss, delay);
                assert!(
                    (0.0..=93.2).contains(&r) && (1.0..=4.41).contains(&mos),
                    "{codec:?} {loss} {delay}: {r} {mos}"
                );
            }
        }
    }
}

#[test]
fn delay_is_frame_look_ahead_network_and_buffer() {
    let ms = Duration::from_millis;
    assert_eq!(Conditions::delay(Codec::G711, ms(0), ms(0)), ms(40));
    assert_eq!(Conditions::delay(Codec::G729, ms(50), ms(30)), ms(20 + 5 + 50 + 90));
}

#[test]
fn names_tell_codecs_whatever_their_case() {
    for (name, codec) in [("pcma", Codec::G711), ("OPUS", Codec::Opus), ("ilbc", Codec::Ilbc), ("speex", Codec::Other)]
    {
        assert_eq!(Codec::of_name(name), Some(codec));
    }
    assert_eq!(Codec::of_name("Telephone-Event"), None);
}

#[test]
fn payload_types_tell_codecs_as_the_description_has_them() {
    let codecs: Codecs = [(0, "PCMU"), (96, "opus"), (101, "telephone-event"), (127, "GSM")].into_iter().collect();
    let of = [0, 3, 9, 13, 18, 34, 96, 97, 101, 127].map(|payload_type| codecs.of(payload_type));
    let (g711, gsm, g722) = (Some(Codec::G711), Some(Codec::Gsm), Some(Codec::G722));
    assert_eq!(of, [g711, gsm, g722, None, Some(Codec::G729), None, Some(Codec::Opus), None, None, gsm]);
    assert!((0..=127).all(|payload_type| Codecs::NONE.of(payload_type).is_none()));
}
