//! A record as one line of JSON.
//!
//! The keys stand in a fixed order: `timestamp`, `level`, `logger_name`, `message`, `function_name`, `line_number` and
//! `source_file` where the call site was asked for, the fields of names, context, logger and call, `exception`,
//! `exception_type` and `exception_message`, and `truncated` where something had to be cut.

use std::borrow::Cow;

use super::page::{Full, Page};
use super::stamp::{SECOND_LEN, TAIL_LEN};
use super::style::Style;
use super::{bigint, decimal, escape, float, fragment};
use crate::record::{Exception, Site, Value};

/// One JSON object a line; valid JSON in UTF-8, whatever stands in the record.
#[derive(Clone, Copy, Debug)]
pub struct Json;

impl Style for Json {
    const BEHIND_STAMP: [u8; 2] = *b"Z\"";

    #[inline(always)]
    fn stamp(second: &[u8; SECOND_LEN], rest: &[u8; TAIL_LEN], page: &mut Page) -> Result<(), Full> {
        page.three(b"{\"timestamp\":\"", second, rest)
    }

    fn head(level: &[u8], name: &[u8]) -> Vec<u8> {
        let mut text = b",\"level\":".to_vec();
        escape::append_quoted(level, &mut text);
        text.extend_from_slice(b",\"logger_name\":");
        escape::append_quoted(name, &mut text);
        text.extend_from_slice(b",\"message\":");
        text
    }

    #[inline(always)]
    fn message(text: &[u8], mut page: Page) -> Result<Page, Full> {
        escape::quoted(text, &mut page)?;
        Ok(page)
    }

    #[inline(always)]
    fn site(site: Site<'_>, mut page: Page) -> Result<Page, Full> {
        page.literal(b",\"function_name\":")?;
        page = quoted(site.function, page)?;
        page.literal(b",\"line_number\":")?;
        decimal::integer(i64::from(site.line), &mut page)?;
        page.literal(b",\"source_file\":")?;
        quoted(site.file, page)
    }

    fn name(key: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(key)
    }

    fn key(name: &[u8]) -> Vec<u8> {
        let mut text = b",".to_vec();
        escape::append_quoted(name, &mut text);
        text.push(b':');
        text
    }

    #[inline(always)]
    fn value(value: Value<'_>, mut page: Page) -> Result<Page, Full> {
        match value {
            Value::None => page.literal(b"null")?,
            Value::Bool(true) => page.literal(b"true")?,
            Value::Bool(false) => page.literal(b"false")?,
            Value::Int(number) => decimal::integer(number, &mut page)?,
            Value::Float(number) => float::json(number, &mut page)?,
            Value::Str(text) | Value::Text(text) => escape::quoted(text, &mut page)?,
            Value::BigInt(text) => page = big_int(text, page)?,
            Value::Json(text) if fragment::is_one_line(text) => page.push(text)?,
            Value::Json(text) => page = quoted(text, page)?,
        }
        Ok(page)
    }

    #[inline(always)]
    fn exception(exception: Exception<'_>, mut page: Page) -> Result<Page, Full> {
        page.literal(b",\"exception\":")?;
        page = quoted(exception.text, page)?;
        page.literal(b",\"exception_type\":")?;
        page = quoted(exception.kind, page)?;
        page.literal(b",\"exception_message\":")?;
        quoted(exception.message, page)
    }

    #[inline(always)]
    fn end(truncated: bool, page: &mut Page) -> Result<(), Full> {
        if truncated {
            page.literal(b",\"truncated\":true")?;
        }
        page.literal(b"}\n")
    }
}

/// A string that not every record has.
#[inline(never)]
fn quoted(text: &[u8], mut page: Page) -> Result<Page, Full> {
    escape::quoted(text, &mut page)?;
    Ok(page)
}

/// An integer that is too large for the machine: a number, if the usual readers take it, else its digits as a string.
#[inline(never)]
fn big_int(text: &[u8], mut page: Page) -> Result<Page, Full> {
    let decimal = bigint::decimal(text);
    let number = decimal.as_deref().filter(|decimal| {
        let digits = decimal.strip_prefix(b"-").unwrap_or(decimal);
        digits.len() <= fragment::MAX_DIGITS
    });
    match number {
        Some(number) => page.push(number)?,
        None => escape::quoted(decimal.as_deref().unwrap_or(text), &mut page)?,
    }
    Ok(page)
}
