//! The message of a record whose template has arguments.

use super::percent::{self, Template};
use crate::record::Value;

/// Templates that are remembered; a power of two.
const SLOTS: usize = 256;

/// Longer templates are read anew each time: they are rarely written in a program's text.
const LONGEST: usize = 1024;

/// Most calls have fewer arguments than this, and need no list on the heap.
const FEW: usize = 8;

/// Renders messages, and remembers the templates.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    slots: Vec<Option<Slot>>,
    text: Vec<u8>,
}

/// A template that was seen: what its reading gave.
#[derive(Clone, Debug)]
struct Slot {
    text: Box<[u8]>,
    template: Option<Template>,
}

impl Messages {
    pub(super) fn new() -> Self {
        Self { slots: vec![None; SLOTS], text: Vec::new() }
    }

    /// `template % args`. Whether they fit was decided at the call; if they do not (a damaged record), both are shown
    /// one after the other. Without arguments the template is the message, as in the standard library.
    pub(super) fn render<'a>(&'a mut self, template: &'a [u8], args: impl Iterator<Item = Value<'a>>) -> &'a [u8] {
        let mut few = [Value::None; FEW];
        let mut many = Vec::new();
        let mut count = 0;
        for value in args {
            if count < FEW {
                few[count] = value;
            } else {
                if many.is_empty() {
                    many.extend_from_slice(&few);
                }
                many.push(value);
            }
            count += 1;
        }
        let args = if count <= FEW { &few[..count] } else { &many };
        if args.is_empty() {
            return template;
        }
        self.text.clear();
        let slot = &mut self.slots[place(template)];
        let parsed;
        let known = match slot {
            Some(slot) if *slot.text == *template => &slot.template,
            _ => {
                parsed = Template::parse(template);
                if template.len() <= LONGEST {
                    *slot = Some(Slot { text: template.into(), template: parsed.clone() });
                }
                &parsed
            }
        };
        let rendered = known.as_ref().is_some_and(|known| known.render(args, &mut self.text).is_ok());
        if !rendered {
            self.text.extend_from_slice(template);
            self.text.push(b' ');
            percent::show(args, &mut self.text);
        }
        &self.text
    }
}

/// Where a template is kept: by its length and its last bytes, in which templates differ more than in the first.
fn place(template: &[u8]) -> usize {
    let word = template.last_chunk::<8>().map_or(0, |bytes| u64::from_le_bytes(*bytes));
    ((word ^ template.len() as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 56) as usize % SLOTS
}
