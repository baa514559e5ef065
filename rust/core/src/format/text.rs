//! A record as a line for people: stamp, level, logger, message, then the fields.
//!
//! ```text
//! 2026-11-21T07:26:00.123456Z ERROR    sim.cells: step failed step=17
//!     Traceback (most recent call last):
//!       ...
//! ```
//!
//! Only a record begins at the beginning of a line: the lines of a message or a traceback are indented. Values are words
//! as in logfmt, but pieces of JSON are bare, and `None`, `True`, `False`, `nan` and `inf` are Python's.

use std::borrow::Cow;

use super::page::{Full, Page};
use super::plain::{self, Words};
use super::stamp::{SECOND_LEN, TAIL_LEN};
use super::style::Style;
use crate::record::{Exception, Site, Value};

const LINE_END: &[u8; 5] = b"\n    ";

/// So wide is the longest of the standard library's levels.
const LEVEL_WIDTH: usize = 8;

const WORDS: Words =
    Words { none: b"None", yes: b"True", no: b"False", nan: b"nan", infinity: b"inf", minus_infinity: b"-inf" };

/// A line in UTF-8, and indented ones for what has more; no control character but their ends, whatever stands in the
/// record.
#[derive(Clone, Copy, Debug)]
pub struct Text;

impl Style for Text {
    const BEHIND_STAMP: [u8; 2] = *b"Z ";

    #[inline(always)]
    fn stamp(second: &[u8; SECOND_LEN], rest: &[u8; TAIL_LEN], page: &mut Page) -> Result<(), Full> {
        page.three(b"", second, rest)
    }

    fn head(level: &[u8], name: &[u8]) -> Vec<u8> {
        plain::vector(|mut page| {
            page = plain::shown(level, page, None)?;
            for _ in String::from_utf8_lossy(level).chars().count()..LEVEL_WIDTH {
                page.literal(b" ")?;
            }
            page.literal(b" ")?;
            page = plain::shown(name, page, None)?;
            page.literal(b": ")?;
            Ok(page)
        })
    }

    #[inline(always)]
    fn message(text: &[u8], page: Page) -> Result<Page, Full> {
        plain::shown(text, page, Some(LINE_END))
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
        plain::value(value, &WORDS, |text, page| plain::shown(text, page, None), page)
    }

    #[inline(always)]
    fn exception(exception: Exception<'_>, mut page: Page) -> Result<Page, Full> {
        page.literal(LINE_END)?;
        plain::shown(exception.text, page, Some(LINE_END))
    }

    #[inline(always)]
    fn end(truncated: bool, page: &mut Page) -> Result<(), Full> {
        if truncated {
            page.literal(b" [truncated]")?;
        }
        page.literal(b"\n")
    }
}
