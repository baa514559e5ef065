//! What a ring has refused and its logs have not been told of yet: in its file, so that it can be said for a dead process.
//!
//! ```text
//! 0x800  the route that is being told of, plus 1; 0: none
//! 0x808  where in the ring its announcement begins
//! 0x810  places of 16 bytes: which route, level and logger (0: vacant) · how many records
//! ```
//!
//! An announcement is a record like others. A route's places are void from the moment at which `head` has passed the
//! position of its announcement: one store publishes the announcement and says that there is nothing left to tell. So
//! a kill at any instruction leaves either the places or the announcement.

use std::io;
use std::ops::Range;

use super::RingMemory;
use crate::record::{HEADER, Header, INLINE};
use crate::ring::{HEAD, Producer};
use crate::sync::Ordering;

const TELLING: usize = 0x800;
const TELLING_AT: usize = 0x808;
const PLACES: usize = 0x810;
/// Bytes of a place.
const PLACE: usize = 16;

/// Up to which place the counts are by route, level and logger; then by route and level; then by route.
const LIMITS: [usize; 3] = [64, 112, 127];

/// The index of a level that is not told apart from others.
pub const ANY_LEVEL: u8 = u8::MAX;

const TAKEN: u64 = 1 << 63;
const LEVEL: u32 = 32;
const ROUTE: u32 = 40;

/// Refused records of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The dictionary's number of their route.
    pub route: u32,
    /// The index of their level, or [`ANY_LEVEL`].
    pub level: u8,
    /// The dictionary's number of their logger's name, or [`INLINE`] for those that are not told apart.
    pub logger: u32,
    /// How many.
    pub count: u64,
}

impl Refused {
    fn key(&self) -> u64 {
        // The largest dictionary has room for 2²² routes.
        TAKEN | u64::from(self.route) << ROUTE | u64::from(self.level) << LEVEL | u64::from(self.logger)
    }

    fn of(key: u64, count: u64) -> Self {
        let route = (key & !TAKEN) >> ROUTE;
        Self { route: route as u32, level: (key >> LEVEL) as u8, logger: key as u32, count }
    }
}

impl RingMemory {
    // ORDERING, here and below: each Release keeps the stores in the order in which they are written, which is all
    // that matters to who finds them after a kill. Nobody reads them while the process goes on.
    fn store(&self, at: usize, value: u64) {
        self.region.atomic(at).store(value, Ordering::Release);
    }

    fn load(&self, at: usize) -> u64 {
        self.region.atomic(at).load(Ordering::Relaxed)
    }

    /// Counts refused records. Where there are too many kinds of them, they are told apart less; where even the routes
    /// are too many, they are not told of. Only the producer calls this.
    pub fn refuse(&self, refused: Refused) {
        let coarser = Refused { logger: INLINE, ..refused };
        let coarsest = Refused { level: ANY_LEVEL, ..coarser };
        for (kind, limit) in [refused, coarser, coarsest].into_iter().zip(LIMITS) {
            let key = kind.key();
            let places = || (0..limit).map(|place| PLACES + place * PLACE);
            if let Some(at) = places().find(|at| self.load(*at) == key) {
                return self.store(at + 8, self.load(at + 8) + refused.count);
            }
            if let Some(at) = places().find(|at| self.load(*at) == 0) {
                self.store(at + 8, refused.count);
                return self.store(at, key);
            }
        }
    }

    /// What has been refused and not been told.
    pub fn untold(&self) -> impl Iterator<Item = Refused> {
        let told = self.told();
        let places = (0..LIMITS[2]).map(|place| PLACES + place * PLACE);
        let taken = places.map(|at| (self.load(at), self.load(at + 8))).filter(|(key, _)| key & TAKEN != 0);
        taken.map(|(key, count)| Refused::of(key, count)).filter(move |refused| Some(refused.route) != told)
    }

    /// The route whose places are void, because its announcement is there.
    fn told(&self) -> Option<u32> {
        let route = self.load(TELLING).checked_sub(1)?;
        (self.ring.head() > self.load(TELLING_AT)).then_some(route as u32)
    }

    /// Pushes the announcement of what a route has refused, with which that is told; whether there was room for it.
    ///
    /// `keep` is told of each part of the memory that has to outlive this process before the next one changes: for who
    /// does this in a copy.
    ///
    /// # Errors
    /// Those of `keep`.
    pub fn tell(
        &self,
        producer: &mut Producer,
        header: Header,
        payload: &[u8],
        mut keep: impl FnMut(Range<usize>) -> io::Result<()>,
    ) -> io::Result<bool> {
        self.end_telling(&mut keep)?;
        self.store(TELLING_AT, producer.next_position(payload.len()));
        keep(TELLING_AT..TELLING_AT + 8)?;
        self.store(TELLING, u64::from(header.route) + 1);
        keep(TELLING..TELLING + 8)?;
        let from = producer.head();
        let pushed = HEADER + payload.len() <= self.ring.largest() && producer.push(header, payload).is_ok();
        let (data, capacity) = self.header.data;
        let (begin, length) = (from as usize & (capacity - 1), (producer.head() - from) as usize);
        let first = length.min(capacity - begin);
        keep(data + begin..data + begin + first)?;
        keep(data..data + length - first)?;
        keep(HEAD..HEAD + 8)?;
        self.end_telling(&mut keep)?;
        Ok(pushed)
    }

    /// Makes the places of a route vacant whose announcement is there.
    fn end_telling(&self, keep: &mut impl FnMut(Range<usize>) -> io::Result<()>) -> io::Result<()> {
        if let Some(told) = self.told() {
            for at in (0..LIMITS[2]).map(|place| PLACES + place * PLACE) {
                if Refused::of(self.load(at), 0).route == told {
                    self.store(at, 0);
                }
            }
            keep(PLACES..PLACES + LIMITS[2] * PLACE)?;
        }
        self.store(TELLING, 0);
        keep(TELLING..TELLING + 8)
    }
}
