//! What a format has to say about each part of a line.

use std::borrow::Cow;

use super::page::{Full, Page};
use super::stamp::{SECOND_LEN, TAIL_LEN};
use crate::record::{Exception, Site, Value};

/// How the parts of a line are written. What is given stands in the record or is damaged: any bytes may come.
// What is not cold has to be inlined, so that the page stays in registers.
pub trait Style {
    /// What stands behind the stamp's last digit.
    const BEHIND_STAMP: [u8; 2];

    /// The line's beginning: a stamp's second, and the rest of it.
    fn stamp(second: &[u8; SECOND_LEN], rest: &[u8; TAIL_LEN], page: &mut Page) -> Result<(), Full>;

    /// What stands between stamp and message.
    fn head(level: &[u8], name: &[u8]) -> Vec<u8>;

    /// The message.
    fn message(text: &[u8], page: Page) -> Result<Page, Full>;

    /// Where the call stands.
    fn site(site: Site<'_>, page: Page) -> Result<Page, Full>;

    /// A field's name as it can stand in a line, and the same for the same name always.
    fn name(key: &[u8]) -> Cow<'_, [u8]>;

    /// What stands before the value of the field of that name; not nothing.
    fn key(name: &[u8]) -> Vec<u8>;

    /// The value of a field.
    fn value(value: Value<'_>, page: Page) -> Result<Page, Full>;

    /// The exception.
    fn exception(exception: Exception<'_>, page: Page) -> Result<Page, Full>;

    /// The line's end, and whether something was cut.
    fn end(truncated: bool, page: &mut Page) -> Result<(), Full>;
}
