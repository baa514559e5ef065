//! A record whose message is the line.

use std::borrow::Cow;

use super::page::{Full, Page};
use super::stamp::{SECOND_LEN, TAIL_LEN};
use super::style::Style;
use crate::record::{Exception, Site, Value};

/// The message as it is, with whatever ends it. All else that a record may have is nothing to it.
#[derive(Clone, Copy, Debug)]
pub struct Given;

impl Style for Given {
    const BEHIND_STAMP: [u8; 2] = *b"Z ";

    fn stamp(_second: &[u8; SECOND_LEN], _rest: &[u8; TAIL_LEN], _page: &mut Page) -> Result<(), Full> {
        Ok(())
    }

    fn head(_level: &[u8], _name: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn message(text: &[u8], mut page: Page) -> Result<Page, Full> {
        page.push(text)?;
        Ok(page)
    }

    fn site(_site: Site<'_>, page: Page) -> Result<Page, Full> {
        Ok(page)
    }

    fn name(key: &[u8]) -> Cow<'_, [u8]> {
        Cow::Borrowed(key)
    }

    fn key(_name: &[u8]) -> Vec<u8> {
        Vec::new()
    }

    fn value(_value: Value<'_>, page: Page) -> Result<Page, Full> {
        Ok(page)
    }

    fn exception(_exception: Exception<'_>, page: Page) -> Result<Page, Full> {
        Ok(page)
    }

    fn end(_truncated: bool, _page: &mut Page) -> Result<(), Full> {
        Ok(())
    }
}
