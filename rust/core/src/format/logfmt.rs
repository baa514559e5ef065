//! A record as one line of logfmt: `key=value` pairs between spaces, with the names that the JSON has.
//!
//! A key has no space, `=`, `"`, `\` and no character that is not shown: such are replaced by `_`. A value that has one of
//! them, or is empty, stands in quotes, with the escapes of a JSON string; so does every piece of JSON. `null`, `true`,
//! `false`, `NaN` and `Infinity` stand for what they stand for in JSON.

use std::borrow::Cow;

use super::page::{Full, Page};
use super::plain::{self, Words};
use super::stamp::{SECOND_LEN, TAIL_LEN};
use super::style::Style;
use crate::record::{Exception, Site, Value};

const WORDS: Words = Words {
    none: b"null",
    yes: b"true",
    no: b"false",
    nan: b"NaN",
    infinity: b"Infinity",
    minus_infinity: b"-Infinity",
};

/// Pairs of keys and values on one line in UTF-8 that parses back to the same texts, whatever stands in the record.
#[derive(Clone, Copy, Debug)]
pub struct Logfmt;

impl Style for Logfmt {
    const BEHIND_STAMP: [u8; 2] = *b"Z ";

    #[inline(always)]
    fn stamp(second: &[u8; SECOND_LEN], rest: &[u8; TAIL_LEN], page: &mut Page) -> Result<(), Full> {
        page.three(b"timestamp=", second, rest)
    }

    fn head(level: &[u8], name: &[u8]) -> Vec<u8> {
        plain::vector(|mut page| {
            page.literal(b"level=")?;
            page = plain::word(level, page)?;
            page.literal(b" logger_name=")?;
            page = plain::word(name, page)?;
            page.literal(b" message=")?;
            Ok(page)
        })
    }

    #[inline(always)]
    fn message(text: &[u8], page: Page) -> Result<Page, Full> {
        plain::word(text, page)
    }

    #[inline(always)]
    fn site(site: Site<'_>, page: Page) -> Result<Page, Full> {
        plain::site(site, page)
    }

    fn name(key: &[u8]) -> Cow<'_, [u8]> {
        plain::name(key)
    }

    fn key(name: &[u8]) -> Vec<u8> {
        plain::key(name)
    }

    #[inline(always)]
    fn value(value: Value<'_>, page: Page) -> Result<Page, Full> {
        plain::value(value, &WORDS, plain::quoted, page)
    }

    #[inline(always)]
    fn exception(exception: Exception<'_>, mut page: Page) -> Result<Page, Full> {
        page.literal(b" exception=")?;
        page = plain::word(exception.text, page)?;
        page.literal(b" exception_type=")?;
        page = plain::word(exception.kind, page)?;
        page.literal(b" exception_message=")?;
        plain::word(exception.message, page)
    }

    #[inline(always)]
    fn end(truncated: bool, page: &mut Page) -> Result<(), Full> {
        if truncated {
            page.literal(b" truncated=true")?;
        }
        page.literal(b"\n")
    }
}
