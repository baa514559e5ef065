//! Stamps, floats and strings on their own.

use undergird_core::format::Format;
use undergird_core::format::float::{Repr, Style, conversion};
use undergird_core::format::stamp::Stamp;

const NS: u64 = 1_000_000_000;

#[test]
fn stamps_of_days_that_are_easy_to_get_wrong() {
    let cases = [
        (0, "1970-01-01T00:00:00.000000Z"),
        (951_782_399 * NS + 999_999_999, "2000-02-28T23:59:59.999999Z"),
        (951_782_400 * NS, "2000-02-29T00:00:00.000000Z"),
        (951_868_800 * NS, "2000-03-01T00:00:00.000000Z"),
        (1_709_164_800 * NS + 1_000, "2024-02-29T00:00:00.000001Z"),
        (4_107_542_399 * NS, "2100-02-28T23:59:59.000000Z"),
        (4_107_542_400 * NS + 999, "2100-03-01T00:00:00.000000Z"),
        (u64::MAX, "2554-07-21T23:34:33.709551Z"),
    ];
    let mut stamp = Stamp::new();
    for (ns, text) in cases {
        assert_eq!(std::str::from_utf8(&stamp.text(ns)).unwrap(), text);
    }
}

#[test]
fn every_day_follows_the_one_before_it() {
    let mut stamp = Stamp::new();
    let (mut year, mut month, mut day) = (1970, 1, 1);
    for days in 0..u64::MAX / (86_400 * NS) {
        let expected = format!("{year}-{month:02}-{day:02}T00:00:00.000000Z");
        assert_eq!(stamp.text(days * 86_400 * NS), expected.as_bytes());
        let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let last = match month {
            2 => 28 + i32::from(leap),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        day += 1;
        if day > last {
            (day, month) = (1, month + 1);
        }
        if month > 12 {
            (month, year) = (1, year + 1);
        }
    }
}

#[test]
fn a_stamp_does_not_depend_on_the_one_before_it() {
    let mut stamp = Stamp::new();
    for ns in [5 * NS + 999_999_000, 5 * NS, 4 * NS + 1_000, 5 * NS + 10_000] {
        assert_eq!(stamp.text(ns), Stamp::new().text(ns));
    }
}

#[test]
fn floats_change_to_an_exponent_where_python_does() {
    let cases = [
        (0.0, "0.0"),
        (-0.0, "-0.0"),
        (123.0, "123.0"),
        (0.0001, "0.0001"),
        (9.999999999999999e-5, "9.999999999999999e-05"),
        (0.00001, "1e-05"),
        (-0.000012345, "-1.2345e-05"),
        (9_999_999_999_999_998.0, "9999999999999998.0"),
        (1e16, "1e+16"),
        (1.5e300, "1.5e+300"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::NAN, "nan"),
        (f64::NEG_INFINITY, "-inf"),
    ];
    for (value, text) in cases {
        assert_eq!(std::str::from_utf8(Repr::new().text(value)).unwrap(), text);
    }
}

#[test]
fn conversions_of_floats_round_ties_to_even_and_keep_what_the_flag_says() {
    let cases = [
        (0.5, Style::Fixed, 0, false, "0"),
        (1.5, Style::Fixed, 0, true, "2."),
        (2.5, Style::Exponent, 0, false, "2e+00"),
        (100_000.0, Style::General, 6, false, "100000"),
        (1_000_000.0, Style::General, 6, false, "1e+06"),
        (1.0, Style::General, 6, true, "1.00000"),
        (0.0001, Style::General, 6, false, "0.0001"),
        (-0.00001, Style::General, 0, true, "-1.e-05"),
        (f64::INFINITY, Style::Fixed, 3, true, "inf"),
    ];
    for (value, style, precision, alternate, text) in cases {
        let mut out = Vec::new();
        conversion(value, style, precision, alternate, false, &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), text);
    }
}

#[test]
fn a_format_has_the_number_that_stands_in_the_dictionary() {
    assert_eq!(Format::from_number(0), Some(Format::Json));
    assert_eq!(Format::from_number(1), Some(Format::Logfmt));
    assert_eq!(Format::from_number(2), Some(Format::Text));
    assert_eq!(Format::from_number(3), Some(Format::Given));
    assert_eq!(Format::from_number(4), None);
    assert_eq!(Format::from_number(255), None);
}
