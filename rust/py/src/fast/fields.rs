//! Fields that records carry besides those of the call: what is bound to a logger, and what the context holds.

use std::cell::UnsafeCell;
use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};
use undergird_core::record::{INLINE, encode_group, value_length};
use undergird_core::scratch::Scratch;

use super::constants::Constants;
use super::limits::{Noticed, countable};
use super::redaction::{edition, is_active};
use super::values::{encode, encode_text, is_primitive, text_of};
use crate::current::current;
use crate::gil::attached;
use crate::hooks::hooks;

/// The edition of fields that were made before there was anybody to render them.
const UNRENDERED: u64 = 0;

/// Fields that were rendered when they were given, and are copied into each record as they are.
#[pyclass(frozen, module = "undergird._core")]
pub struct Fields(UnsafeCell<Rendered>);

// SAFETY: touched with the GIL held only, and no reference is kept while Python may run.
unsafe impl Sync for Fields {}

struct Rendered {
    /// The edition of the rules of redaction under which they were rendered.
    edition: u64,
    /// The values as records carry them, in order. Nobody changes it.
    dict: Py<PyDict>,
    /// The same as bytes of a record: as many as it can count.
    values: Arc<[u8]>,
    count: u16,
    truncated: bool,
    /// An epoch, and the number that the keys have in the dictionary of its ring.
    shape: (u64, u32),
}

#[pymethods]
impl Fields {
    #[new]
    #[pyo3(signature = (given, base=None, /))]
    fn new(given: &Bound<'_, PyDict>, base: Option<&Self>) -> PyResult<Self> {
        let py = given.py();
        let base = base.map_or_else(|| Ok(Rendered::empty(py)), |base| base.renewed(py))?;
        let made_at = edition();
        let shown = if base.edition == UNRENDERED { None } else { shown(given)? };
        let dict = base.dict.bind(py).copy()?;
        dict.update(shown.as_ref().unwrap_or(given).as_mapping())?;
        Self::from(match shown {
            Some(shown) => Rendered::new(&base, dict, &shown, made_at),
            None => Ok(Rendered { edition: UNRENDERED, dict: dict.unbind(), ..Rendered::empty(py) }),
        })
    }

    /// These fields without some. A name that is not among them is no mistake.
    #[pyo3(signature = (*names))]
    fn without(&self, names: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let py = names.py();
        let base = self.renewed(py)?;
        let dict = base.dict.bind(py).copy()?;
        for name in names {
            if dict.contains(&name)? {
                dict.del_item(name)?;
            }
        }
        Self::from(match base.edition {
            UNRENDERED => Ok(Rendered { dict: dict.unbind(), ..base }),
            edition => Rendered::new(&base, dict, &PyDict::new(py), edition),
        })
    }

    /// A copy of the values as records carry them.
    pub(super) fn dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.now(py).dict.bind(py).copy()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        // SAFETY: the collector runs with the GIL held.
        visit.call(&unsafe { &*self.0.get() }.dict)
    }
}

impl Fields {
    fn from(rendered: PyResult<Rendered>) -> PyResult<Self> {
        rendered.map(|rendered| Self(UnsafeCell::new(rendered)))
    }

    /// What they are now, to be worked with while Python runs.
    fn now(&self, py: Python<'_>) -> Rendered {
        // SAFETY: the GIL is held; the reference ends here.
        let now = unsafe { &*self.0.get() };
        Rendered { dict: now.dict.clone_ref(py), values: Arc::clone(&now.values), ..*now }
    }

    /// The same as what every record of a run carries.
    pub(super) fn constants(&self, py: Python<'_>) -> Constants {
        let Rendered { dict, values, count, .. } = self.now(py);
        let mut values = Values(&values);
        let keys = dict.into_bound(py).keys().into_iter().take(count.into());
        // SAFETY: live `str`s, and the GIL is held.
        let (keys, values) = keys.map(|key| (unsafe { text_of(key.as_ptr()) }, values.next().into())).unzip();
        Constants { keys, values }
    }

    /// The number of the keys in the dictionary of the present ring, or [`INLINE`]; `None` if the fields have to be
    /// made ready first.
    #[inline]
    pub fn shape(&self, epoch: u64) -> Option<u32> {
        // SAFETY: the GIL is held; the reference ends here.
        let now = unsafe { &*self.0.get() };
        (now.shape.0 == epoch && now.edition == edition()).then_some(now.shape.1)
    }

    /// Whether there are none.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: the GIL is held; the reference ends here. What is not rendered yet has no count.
        let now = unsafe { &*self.0.get() };
        now.count == 0 && now.edition != UNRENDERED
    }

    /// Appends them as a group, under the number that [`Fields::shape`] gave.
    #[inline(always)]
    pub fn encode(&self, py: Python<'_>, shape: u32, out: &mut Scratch, noticed: &mut Noticed) {
        if shape == INLINE {
            return self.encode_inline(py, out, noticed);
        }
        // SAFETY: the GIL is held, and nothing below runs Python.
        let now = unsafe { &*self.0.get() };
        noticed.truncated |= now.truncated;
        encode_group(shape, now.count, out);
        out.bytes(&now.values);
    }

    #[cold]
    fn encode_inline(&self, py: Python<'_>, out: &mut Scratch, noticed: &mut Noticed) {
        let Rendered { dict, values, count, truncated, .. } = self.now(py);
        noticed.truncated |= truncated;
        encode_group(INLINE, count, out);
        let mut values = Values(&values);
        for (key, _) in dict.into_bound(py).iter().take(count.into()) {
            // SAFETY: a live `str`, and the GIL is held.
            unsafe { encode_text(key.as_ptr(), out, noticed) };
            out.bytes(values.next());
        }
    }

    /// Makes them ready for the present rules and ring; whether that could be done. Runs Python.
    ///
    /// # Errors
    /// Only what is not for a logger to swallow.
    #[cold]
    pub fn prepare(&self) -> PyResult<bool> {
        // PyO3 has not been told that this thread holds the GIL, and would put off what is dropped here.
        // SAFETY: the GIL is held.
        unsafe { attached(|py| self.prepared(py)) }
    }

    fn prepared(&self, py: Python<'_>) -> PyResult<bool> {
        let dict = self.renewed(py)?.dict.into_bound(py);
        // SAFETY: live strs, and the GIL is held.
        let keys = dict.keys().iter().map(|key| unsafe { text_of(key.as_ptr()) }).collect();
        // SAFETY: the GIL is held, and nothing below runs Python.
        let Some(runtime) = (unsafe { current() }) else { return Ok(false) };
        // SAFETY: as above.
        let (gil, now) = unsafe { (runtime.gil(), &mut *self.0.get()) };
        now.shape = (gil.epoch, gil.shape(&runtime.memory, keys));
        Ok(now.edition == edition())
    }

    /// What they are under the present rules of redaction: what has been hidden since is hidden in them too.
    fn renewed(&self, py: Python<'_>) -> PyResult<Rendered> {
        let (now, made_at) = (self.now(py), edition());
        if now.edition == made_at {
            return Ok(now);
        }
        let Some(shown) = shown(now.dict.bind(py))? else { return Ok(now) };
        let rendered = Rendered::new(&Rendered::empty(py), shown.copy()?, &shown, made_at)?;
        // SAFETY: the GIL is held; the old one is dropped after it has been replaced, since that may run Python.
        drop(unsafe { std::mem::replace(&mut *self.0.get(), rendered) });
        Ok(self.now(py))
    }
}

impl Rendered {
    fn empty(py: Python<'_>) -> Self {
        let dict = PyDict::new(py).unbind();
        Self { edition: edition(), dict, values: [].into(), count: 0, truncated: false, shape: (0, INLINE) }
    }

    /// Fields that follow from others: those of `dict`, of which only the `fresh` and unknown ones are rendered.
    fn new(base: &Self, dict: Bound<'_, PyDict>, fresh: &Bound<'_, PyDict>, edition: u64) -> PyResult<Self> {
        let py = dict.py();
        let mut out = Scratch::new();
        let mut noticed = Noticed { truncated: base.truncated, ..Noticed::default() };
        let count = countable(dict.len(), &mut noticed);
        let mut known = Values(&base.values);
        let mut names = base.dict.bind(py).keys().into_iter().map(|name| (name, known.next()));
        // Nobody else has this dictionary, whatever code rendering runs.
        for (name, value) in dict.iter().take(count.into()) {
            // They stand in the order of the base, as far as they come from there.
            let mut bytes: &[u8] = &[];
            if base.count > 0 && base.dict.bind(py).contains(&name)? {
                bytes = names.find(|(known, _)| known.is(&name)).map_or(&[], |(_, bytes)| bytes);
            }
            if bytes.is_empty() || fresh.contains(&name)? {
                // SAFETY: live objects, the name a `str`, and the GIL is held.
                unsafe { encode(value.as_ptr(), || name.as_ptr(), &mut out, &mut noticed)? };
            } else {
                out.bytes(bytes);
            }
        }
        let (values, truncated) = (out.as_slice().into(), noticed.truncated);
        Ok(Self { edition, dict: dict.unbind(), values, count, truncated, shape: (0, INLINE) })
    }
}

/// The values that stand in a row of bytes, one after the other; nothing where there are no more.
struct Values<'a>(&'a [u8]);

impl<'a> Values<'a> {
    fn next(&mut self) -> &'a [u8] {
        let (value, rest) = self.0.split_at(value_length(self.0).unwrap_or(self.0.len()));
        self.0 = rest;
        value
    }
}

/// The fields with values that cannot change any more, and without what must not be seen; `None` while
/// there is nobody to make it.
fn shown<'py>(given: &Bound<'py, PyDict>) -> PyResult<Option<Bound<'py, PyDict>>> {
    let mut plain = !is_active();
    for (name, value) in given {
        if !name.is_instance_of::<PyString>() {
            return Err(PyTypeError::new_err(format!("a field's name is a string, not {}", name.repr()?)));
        }
        // SAFETY: a live object, and the GIL is held.
        plain &= unsafe { is_primitive(value.as_ptr()) };
    }
    if plain {
        return Ok(Some(given.clone()));
    }
    hooks(given.py()).ok().map(|hooks| hooks.frozen(given)).transpose()
}
