//! What each country's tones are, after what administrations have told the ITU (E.180 Supplement 2). Not every entry has been held
//! against that text: those of call waiting and recording least of all. A tone that is modulated there has the two frequencies here
//! that the modulation makes.
//!
//! Past 600 lines because it is one table: a country that is sought should be found in one place.

use super::Tones;
use crate::{Phase, Tone};

/// By country, in ascending order.
pub(super) static COUNTRIES: &[Tones] = &[
    // Argentina
    Tones {
        country: "ar",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4500)],
        busy: &[on(425.0, 300), off(200)],
        congestion: &[on(425.0, 300), off(400)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(600)],
        record: RECORD,
    },
    // Austria
    Tones {
        country: "at",
        dial: &[on(420.0, ALWAYS)],
        ringback: &[on(420.0, 1000), off(5000)],
        busy: &[on(420.0, 400), off(400)],
        congestion: &[on(420.0, 200), off(200)],
        information: &[on(950.0, 330), on(1450.0, 330), on(1850.0, 330), off(1000)],
        waiting: &[on(420.0, 40), off(1960)],
        record: &[on(1400.0, 400), off(15000)],
    },
    // Australia
    Tones {
        country: "au",
        dial: &[both(413.0, 438.0, ALWAYS)],
        ringback: &[both(413.0, 438.0, 400), off(200), both(413.0, 438.0, 400), off(2000)],
        busy: &[on(425.0, 375), off(375)],
        congestion: &[on(425.0, 375), off(375)],
        information: &[on(425.0, 2500), off(500)],
        waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(4400)],
        record: &[on(1400.0, 425), off(14525)],
    },
    // Belgium
    Tones {
        country: "be",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(3000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 167), off(167)],
        information: &[on(900.0, 330), on(1400.0, 330), on(1800.0, 330), off(1000)],
        waiting: &[on(1400.0, 175), off(175), on(1400.0, 175), off(3500)],
        record: RECORD,
    },
    // Bulgaria
    Tones {
        country: "bg",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(4000)],
        record: &[on(1400.0, 425), off(15000)],
    },
    // Brazil
    Tones {
        country: "br",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 250), off(250)],
        congestion: &[on(425.0, 250), off(250), on(425.0, 750), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 50), off(1000)],
        record: &[on(425.0, 250), off(250)],
    },
    // Canada
    Tones {
        country: "ca",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(440.0, 480.0, 2000), off(4000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(440.0, 300), off(10000)],
        record: RECORD,
    },
    // Switzerland
    Tones {
        country: "ch",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(4000)],
        record: &[on(1400.0, 80), off(15000)],
    },
    // Chile
    Tones {
        country: "cl",
        dial: &[on(400.0, ALWAYS)],
        ringback: &[on(400.0, 1000), off(3000)],
        busy: &[on(400.0, 500), off(500)],
        congestion: &[on(400.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(400.0, 250), off(8750)],
        record: RECORD,
    },
    // China
    Tones {
        country: "cn",
        dial: &[on(450.0, ALWAYS)],
        ringback: &[on(450.0, 1000), off(4000)],
        busy: &[on(450.0, 350), off(350)],
        congestion: &[on(450.0, 700), off(700)],
        information: &[
            on(450.0, 100),
            off(100),
            on(450.0, 100),
            off(100),
            on(450.0, 100),
            off(100),
            on(450.0, 400),
            off(400),
        ],
        waiting: &[on(450.0, 400), off(4000)],
        record: &[on(950.0, 400), off(10000)],
    },
    // Czechia
    Tones {
        country: "cz",
        dial: &[on(425.0, 330), off(330), on(425.0, 660), off(660)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 330), off(330)],
        congestion: &[on(425.0, 165), off(165)],
        information: &[on(950.0, 330), off(30), on(1400.0, 330), off(30), on(1800.0, 330), off(1000)],
        waiting: &[on(425.0, 330), off(9000)],
        record: &[on(1400.0, 500), off(14000)],
    },
    // Germany
    Tones {
        country: "de",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 480), off(480)],
        congestion: &[on(425.0, 240), off(240)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(5000)],
        record: &[on(1400.0, 80), off(15000)],
    },
    // Denmark
    Tones {
        country: "dk",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(600), on(425.0, 200), off(3000)],
        record: RECORD,
    },
    // Estonia
    Tones {
        country: "ee",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 300), off(300)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(950.0, 650), off(325), on(950.0, 325), off(30), on(1400.0, 1300), off(2600)],
        record: RECORD,
    },
    // Spain
    Tones {
        country: "es",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1500), off(3000)],
        busy: &[on(425.0, 200), off(200)],
        congestion: &[on(425.0, 200), off(200), on(425.0, 200), off(200), on(425.0, 200), off(600)],
        information: INFORMATION,
        waiting: &[on(425.0, 175), off(175), on(425.0, 175), off(3500)],
        record: RECORD,
    },
    // Finland
    Tones {
        country: "fi",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 300), off(300)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(8000)],
        record: RECORD,
    },
    // France
    Tones {
        country: "fr",
        dial: &[on(440.0, ALWAYS)],
        ringback: &[on(440.0, 1500), off(3500)],
        busy: &[on(440.0, 500), off(500)],
        congestion: &[on(440.0, 250), off(250)],
        information: &[on(950.0, 300), on(1400.0, 300), on(1800.0, 300), off(1000)],
        waiting: &[on(440.0, 300), off(10000)],
        record: RECORD,
    },
    // United Kingdom
    Tones {
        country: "gb",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(400.0, 450.0, 400), off(200), both(400.0, 450.0, 400), off(2000)],
        busy: &[on(400.0, 375), off(375)],
        congestion: &[on(400.0, 400), off(350), on(400.0, 225), off(525)],
        information: INFORMATION,
        waiting: &[on(400.0, 100), off(4000)],
        record: &[on(1400.0, 500), off(60000)],
    },
    // Greece
    Tones {
        country: "gr",
        dial: &[on(425.0, 200), off(300), on(425.0, 700), off(800)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 300), off(300)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(8000)],
        record: RECORD,
    },
    // Hong Kong
    Tones {
        country: "hk",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(440.0, 480.0, 400), off(200), both(440.0, 480.0, 400), off(3000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(440.0, 500), off(500), on(440.0, 500), off(8500)],
        record: RECORD,
    },
    // Croatia
    Tones {
        country: "hr",
        dial: &[on(425.0, 200), off(300), on(425.0, 700), off(800)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 300), off(8000)],
        record: RECORD,
    },
    // Hungary
    Tones {
        country: "hu",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1250), off(3750)],
        busy: &[on(425.0, 300), off(300)],
        congestion: &[on(425.0, 300), off(300)],
        information: INFORMATION,
        waiting: &[on(425.0, 40), off(1960)],
        record: &[on(1400.0, 400), off(15000)],
    },
    // Ireland
    Tones {
        country: "ie",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[both(400.0, 450.0, 400), off(200), both(400.0, 450.0, 400), off(2000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 180), off(200), on(425.0, 200), off(4500)],
        record: RECORD,
    },
    // Israel
    Tones {
        country: "il",
        dial: &[on(414.0, ALWAYS)],
        ringback: &[on(414.0, 1000), off(3000)],
        busy: &[on(414.0, 500), off(500)],
        congestion: &[on(414.0, 250), off(250)],
        information: &[on(1000.0, 330), on(1400.0, 330), on(1800.0, 330), off(1000)],
        waiting: &[on(414.0, 100), off(100), on(414.0, 100), off(600), on(414.0, 3000)],
        record: RECORD,
    },
    // India
    Tones {
        country: "in",
        dial: &[both(375.0, 425.0, ALWAYS)],
        ringback: &[both(375.0, 425.0, 400), off(200), both(375.0, 425.0, 400), off(2000)],
        busy: &[on(400.0, 750), off(750)],
        congestion: &[on(400.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(400.0, 200), off(100), on(400.0, 200), off(7500)],
        record: RECORD,
    },
    // Italy
    Tones {
        country: "it",
        dial: &[on(425.0, 200), off(200), on(425.0, 600), off(1000)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 400), off(100), on(425.0, 250), off(100), on(425.0, 150), off(14000)],
        record: &[on(1400.0, 400), off(15000)],
    },
    // Japan
    Tones {
        country: "jp",
        dial: &[on(400.0, ALWAYS)],
        ringback: &[both(384.0, 416.0, 1000), off(2000)],
        busy: &[on(400.0, 500), off(500)],
        congestion: &[on(400.0, 500), off(500)],
        information: INFORMATION,
        waiting: &[on(400.0, 500), off(8000)],
        record: RECORD,
    },
    // Korea
    Tones {
        country: "kr",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(440.0, 480.0, 1000), off(2000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 300), off(200)],
        information: INFORMATION,
        waiting: &[both(350.0, 440.0, 250), off(250), both(350.0, 440.0, 250), off(3250)],
        record: RECORD,
    },
    // Lithuania
    Tones {
        country: "lt",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 350), off(350)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(4000)],
        record: &[on(1400.0, 425), off(15000)],
    },
    // Luxembourg
    Tones {
        country: "lu",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 480), off(480)],
        congestion: &[on(425.0, 240), off(240)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(5000)],
        record: RECORD,
    },
    // Mexico
    Tones {
        country: "mx",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 250), off(250)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(600), on(425.0, 200), off(10000)],
        record: RECORD,
    },
    // Malaysia
    Tones {
        country: "my",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 400), off(200), on(425.0, 400), off(2000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 500), off(500), on(425.0, 500), off(5000)],
        record: RECORD,
    },
    // Netherlands
    Tones {
        country: "nl",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 500), off(9500)],
        record: RECORD,
    },
    // Norway
    Tones {
        country: "no",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(600), on(425.0, 200), off(10000)],
        record: &[on(1400.0, 400), off(15000)],
    },
    // New Zealand
    Tones {
        country: "nz",
        dial: &[on(400.0, ALWAYS)],
        ringback: &[both(400.0, 450.0, 400), off(200), both(400.0, 450.0, 400), off(2000)],
        busy: &[on(400.0, 500), off(500)],
        congestion: &[on(400.0, 250), off(250)],
        information: &[
            on(400.0, 750),
            off(100),
            on(400.0, 750),
            off(100),
            on(400.0, 750),
            off(100),
            on(400.0, 750),
            off(400),
        ],
        waiting: &[on(400.0, 200), off(3000)],
        record: &[on(1400.0, 425), off(15000)],
    },
    // Philippines
    Tones {
        country: "ph",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[both(425.0, 480.0, 1000), off(4000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(440.0, 300), off(10000)],
        record: RECORD,
    },
    // Poland
    Tones {
        country: "pl",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 150), off(150), on(425.0, 150), off(4000)],
        record: RECORD,
    },
    // Portugal
    Tones {
        country: "pt",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(5000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 200), off(200)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(5000)],
        record: RECORD,
    },
    // Russia
    Tones {
        country: "ru",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 800), off(3200)],
        busy: &[on(425.0, 350), off(350)],
        congestion: &[on(425.0, 175), off(175)],
        information: INFORMATION,
        waiting: &[on(425.0, 200), off(5000)],
        record: &[on(1400.0, 400), off(15000)],
    },
    // Sweden
    Tones {
        country: "se",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(5000)],
        busy: &[on(425.0, 250), off(250)],
        congestion: &[on(425.0, 250), off(750)],
        information: &[on(950.0, 330), on(1400.0, 330), on(1800.0, 330), off(2000)],
        waiting: &[on(425.0, 200), off(500), on(425.0, 200), off(9100)],
        record: RECORD,
    },
    // Singapore
    Tones {
        country: "sg",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[both(401.0, 449.0, 400), off(200), both(401.0, 449.0, 400), off(2000)],
        busy: &[on(425.0, 750), off(750)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[both(401.0, 449.0, 300), off(200), both(401.0, 449.0, 300), off(3200)],
        record: RECORD,
    },
    // Slovenia
    Tones {
        country: "si",
        dial: &[on(425.0, 200), off(300), on(425.0, 700), off(800)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(425.0, 300), off(10000)],
        record: RECORD,
    },
    // Slovakia
    Tones {
        country: "sk",
        dial: &[on(425.0, 330), off(330), on(425.0, 660), off(660)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 330), off(330)],
        congestion: &[on(425.0, 165), off(165)],
        information: INFORMATION,
        waiting: &[on(425.0, 330), off(9000)],
        record: RECORD,
    },
    // Thailand
    Tones {
        country: "th",
        dial: &[on(400.0, ALWAYS)],
        ringback: &[on(400.0, 1000), off(4000)],
        busy: &[on(400.0, 500), off(500)],
        congestion: &[on(400.0, 300), off(300)],
        information: INFORMATION,
        waiting: &[on(400.0, 400), off(4000)],
        record: RECORD,
    },
    // Turkey
    Tones {
        country: "tr",
        dial: &[on(450.0, ALWAYS)],
        ringback: &[on(450.0, 2000), off(4000)],
        busy: &[on(450.0, 500), off(500)],
        congestion: &[
            on(450.0, 200),
            off(200),
            on(450.0, 200),
            off(200),
            on(450.0, 200),
            off(200),
            on(450.0, 600),
            off(200),
        ],
        information: INFORMATION,
        waiting: &[on(450.0, 200), off(600), on(450.0, 200), off(8000)],
        record: RECORD,
    },
    // Taiwan
    Tones {
        country: "tw",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(440.0, 480.0, 1000), off(2000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[both(350.0, 440.0, 250), off(250), both(350.0, 440.0, 250), off(3250)],
        record: RECORD,
    },
    // United States
    Tones {
        country: "us",
        dial: &[both(350.0, 440.0, ALWAYS)],
        ringback: &[both(440.0, 480.0, 2000), off(4000)],
        busy: &[both(480.0, 620.0, 500), off(500)],
        congestion: &[both(480.0, 620.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[on(440.0, 300), off(10000)],
        record: RECORD,
    },
    // Venezuela
    Tones {
        country: "ve",
        dial: &[on(425.0, ALWAYS)],
        ringback: &[on(425.0, 1000), off(4000)],
        busy: &[on(425.0, 500), off(500)],
        congestion: &[on(425.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[both(400.0, 450.0, 300), off(6000)],
        record: RECORD,
    },
    // South Africa
    Tones {
        country: "za",
        dial: &[both(367.0, 433.0, ALWAYS)],
        ringback: &[both(367.0, 433.0, 400), off(200), both(367.0, 433.0, 400), off(2000)],
        busy: &[on(400.0, 500), off(500)],
        congestion: &[on(400.0, 250), off(250)],
        information: INFORMATION,
        waiting: &[both(367.0, 433.0, 400), off(4000)],
        record: &[on(1400.0, 400), off(10000)],
    },
];

/// Where the country is not known: the cadences that E.180 recommends, at the frequency that most countries have.
pub(super) static DEFAULT: Tones = Tones {
    country: "",
    dial: &[on(425.0, ALWAYS)],
    ringback: &[on(425.0, 1000), off(4000)],
    busy: &[on(425.0, 500), off(500)],
    congestion: &[on(425.0, 200), off(200)],
    information: INFORMATION,
    waiting: &[on(425.0, 200), off(200), on(425.0, 200), off(5000)],
    record: RECORD,
};

/// E.180 §7, as most countries have it.
const INFORMATION: &[Phase] = &[on(950.0, 330), on(1400.0, 330), on(1800.0, 330), off(1000)];
/// E.180 §8: once in 15 s.
const RECORD: &[Phase] = &[on(1400.0, 500), off(15000)];

const fn on(hertz: f32, milliseconds: u32) -> Phase {
    Phase { tone: Some(Tone::new(hertz, -10.0)), milliseconds }
}

/// Two frequencies, together as loud as one.
const fn both(low: f32, high: f32, milliseconds: u32) -> Phase {
    Phase { tone: Some(Tone::dual(low, high, -13.0)), milliseconds }
}

const fn off(milliseconds: u32) -> Phase {
    Phase { tone: None, milliseconds }
}

/// A tone without pauses goes on for a day, and then goes on.
const ALWAYS: u32 = 86_400_000;
