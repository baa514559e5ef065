//! What a fork handler has to see: a list that is read and changed without a lock.

use std::ptr::null_mut;
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

struct Slot<T> {
    value: AtomicPtr<T>,
    next: *mut Slot<T>,
}

/// Shared values. Slots are used again and never given back, so that a reader is never in the way.
pub struct Table<T>(AtomicPtr<Slot<T>>);

impl<T> Table<T> {
    pub const fn new() -> Self {
        Self(AtomicPtr::new(null_mut()))
    }

    fn slots(&self) -> impl Iterator<Item = &Slot<T>> {
        // ORDERING: Acquire pairs with the Release in `add`: who sees a slot sees what is in it.
        let mut next = self.0.load(Ordering::Acquire);
        std::iter::from_fn(move || {
            // SAFETY: null, or a slot that was leaked in `add`.
            let slot = unsafe { next.as_ref() }?;
            next = slot.next;
            Some(slot)
        })
    }

    /// Adds a value, if it is not there.
    pub fn add(&self, value: &Arc<T>) {
        let new = Arc::as_ptr(value).cast_mut();
        // ORDERING: this pairs with nothing, the pointers are only compared.
        if self.slots().any(|slot| slot.value.load(Ordering::Relaxed) == new) {
            return;
        }
        let new = Arc::into_raw(Arc::clone(value)).cast_mut();
        for slot in self.slots() {
            // ORDERING: Release pairs with the Acquire in `each` and `take`: who sees the pointer sees the value.
            if slot.value.compare_exchange(null_mut(), new, Ordering::Release, Ordering::Relaxed).is_ok() {
                return;
            }
        }
        let slot = Box::into_raw(Box::new(Slot { value: AtomicPtr::new(new), next: self.0.load(Ordering::Relaxed) }));
        // ORDERING: Release pairs with the Acquire in `slots`.
        while let Err(first) = self.0.compare_exchange(
            // SAFETY: nobody else knows the slot yet.
            unsafe { (*slot).next },
            slot,
            Ordering::Release,
            Ordering::Relaxed,
        ) {
            // SAFETY: as above.
            unsafe { (*slot).next = first };
        }
    }

    /// Takes a value out again.
    pub fn remove(&self, value: &Arc<T>) {
        let old = Arc::as_ptr(value).cast_mut();
        for slot in self.slots() {
            // ORDERING: Acquire pairs with the Release in `add`.
            if slot.value.compare_exchange(old, null_mut(), Ordering::Acquire, Ordering::Relaxed).is_ok() {
                // SAFETY: the reference that `add` left there.
                drop(unsafe { Arc::from_raw(old) });
            }
        }
    }

    /// Takes everything out.
    ///
    /// Allocates nothing and waits for nobody until a value is dropped.
    pub fn take(&self) -> impl Iterator<Item = Arc<T>> {
        self.slots().filter_map(|slot| {
            // ORDERING: Acquire pairs with the Release in `add`.
            let value = slot.value.swap(null_mut(), Ordering::Acquire);
            // SAFETY: the reference that `add` left there.
            (!value.is_null()).then(|| unsafe { Arc::from_raw(value) })
        })
    }

    /// Calls a function with each value. Only for a process with one thread, such as a child in its fork handler:
    /// another might take the value out meanwhile.
    ///
    /// # Safety
    /// No other thread uses the table.
    pub unsafe fn each(&self, mut act: impl FnMut(&T)) {
        for slot in self.slots() {
            // ORDERING: Acquire pairs with the Release in `add`.
            // SAFETY: null, or kept alive by the reference that `add` left, which nobody takes out now.
            if let Some(value) = unsafe { slot.value.load(Ordering::Acquire).as_ref() } {
                act(value);
            }
        }
    }
}
