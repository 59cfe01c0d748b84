//! Pairs of UDP ports: RTP on the even one, RTCP on the odd one above (RFC 3550 §11).

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::ops::RangeInclusive;
use std::time::{Duration, Instant};

/// One shard's share of the configured ports.
///
/// The order is drawn once from a seed, so that a port says nothing about the next one. A pair that was given back goes to the
/// end of the queue and rests, so that late packets of one call are not heard in another.
#[derive(Debug)]
pub struct Ports {
    free: VecDeque<Free>,
    used: usize,
    rest: Duration,
}

#[derive(Debug, Clone, Copy)]
struct Free {
    rtp: u16,
    /// None: never used, or rested already when the shard began.
    since: Option<Instant>,
}

impl Ports {
    /// The pairs of `range` that belong to shard `index` of `shards`; the shares of all shards are disjoint.
    pub fn share(range: &RangeInclusive<u16>, index: usize, shards: usize, rest: Duration, seed: u64) -> Ports {
        let first = u32::from(*range.start()).next_multiple_of(2);
        let pairs = (first..u32::from(*range.end())).step_by(2).skip(index).step_by(shards.max(1));
        let mut free: VecDeque<Free> = pairs.map(|rtp| Free { rtp: rtp as u16, since: None }).collect();
        let mut state = seed;
        for last in (1..free.len()).rev() {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            free.swap(last, (mixed(state) % (last as u64 + 1)) as usize);
        }
        Ports { free, used: 0, rest }
    }

    /// The next rested pair whose ports `bind` can open, by its RTP port, and what `bind` made of it.
    ///
    /// A pair that someone else holds is put aside as if it had been used. None: every pair is in use or resting.
    ///
    /// # Errors
    /// `bind` failed for a reason that another port would not cure, such as the limit of open files.
    pub fn take<T>(
        &mut self,
        now: Instant,
        mut bind: impl FnMut(u16) -> io::Result<T>,
    ) -> io::Result<Option<(u16, T)>> {
        for _ in 0..self.free.len() {
            let is_rested =
                |free: &Free| free.since.is_none_or(|since| now.saturating_duration_since(since) >= self.rest);
            let Some(&Free { rtp, .. }) = self.free.front().filter(|&free| is_rested(free)) else { return Ok(None) };
            match bind(rtp) {
                Ok(made) => {
                    self.free.pop_front();
                    self.used += 1;
                    return Ok(Some((rtp, made)));
                }
                Err(error) if error.kind() == ErrorKind::AddrInUse => {
                    self.free.pop_front();
                    self.free.push_back(Free { rtp, since: Some(now) });
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// Lets a pair that [`Ports::take`] gave rest.
    pub fn give(&mut self, now: Instant, rtp: u16) {
        self.used -= 1;
        self.free.push_back(Free { rtp, since: Some(now) });
    }

    /// Pairs in use.
    pub fn used(&self) -> usize {
        self.used
    }

    /// Pairs that are not in use, resting or not.
    pub fn free(&self) -> usize {
        self.free.len()
    }
}

/// The output step of splitmix64.
pub fn mixed(mut x: u64) -> u64 {
    x = (x ^ x >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ x >> 31
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    const REST: Duration = Duration::from_secs(30);

    fn all(ports: &mut Ports, now: Instant) -> Vec<u16> {
        std::iter::from_fn(|| ports.take(now, |_| Ok(())).unwrap().map(|(rtp, ())| rtp)).collect()
    }

    #[test]
    fn shards_share_every_whole_pair_of_the_range_and_none_twice() {
        for range in [20000..=20099, 20001..=20100, 65000..=65535, 1024..=1025] {
            let mut seen = BTreeSet::new();
            for index in 0..3 {
                for rtp in all(&mut Ports::share(&range, index, 3, REST, 1), Instant::now()) {
                    assert!(rtp % 2 == 0 && range.contains(&rtp) && range.contains(&(rtp + 1)));
                    assert!(seen.insert(rtp));
                }
            }
            let whole = (*range.start()..*range.end()).filter(|port| port % 2 == 0).count();
            assert_eq!(seen.len(), whole, "{range:?}");
        }
    }

    #[test]
    fn the_order_is_the_seeds() {
        let order = |seed| all(&mut Ports::share(&(20000..=20999), 0, 1, REST, seed), Instant::now());
        assert_eq!(order(1), order(1));
        assert_ne!(order(1), order(2));
        assert!(!order(1).is_sorted());
    }

    #[test]
    fn a_lack_of_descriptors_is_not_taken_for_a_busy_port() {
        let mut ports = Ports::share(&(20000..=20009), 0, 1, REST, 1);
        let now = Instant::now();
        assert!(ports.take(now, |_| Err::<(), _>(ErrorKind::OutOfMemory.into())).is_err());
        assert_eq!((all(&mut ports, now).len(), ports.used(), ports.free()), (5, 5, 0));
    }

    #[derive(Debug, Clone)]
    enum Step {
        Take,
        Give(prop::sample::Index),
        Wait(u64),
        Block(u16),
        Unblock(u16),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Take),
            4 => any::<prop::sample::Index>().prop_map(Step::Give),
            2 => (0..20_000u64).prop_map(Step::Wait),
            1 => (0..16u16).prop_map(Step::Block),
            1 => (0..16u16).prop_map(Step::Unblock),
        ]
    }

    proptest! {
        #[test]
        fn a_pair_is_never_given_twice_nor_busy_nor_before_its_rest(seed: u64, steps in prop::collection::vec(step(), 1..400)) {
            let mut ports = Ports::share(&(20000..=20031), 0, 1, REST, seed);
            let mut now = Instant::now();
            let (mut used, mut given, mut blocked) = (Vec::new(), BTreeMap::new(), BTreeSet::new());
            for step in steps {
                match step {
                    Step::Take => {
                        let bind = |rtp| if blocked.contains(&rtp) { Err(ErrorKind::AddrInUse.into()) } else { Ok(()) };
                        if let Some((rtp, ())) = ports.take(now, bind).unwrap() {
                            prop_assert!(rtp % 2 == 0 && (20000..=20031).contains(&rtp));
                            prop_assert!(!used.contains(&rtp) && !blocked.contains(&rtp));
                            prop_assert!(given.get(&rtp).is_none_or(|&at| now - at >= REST));
                            used.push(rtp);
                        }
                    }
                    Step::Give(which) if !used.is_empty() => {
                        let rtp = used.swap_remove(which.index(used.len()));
                        ports.give(now, rtp);
                        given.insert(rtp, now);
                    }
                    Step::Give(_) => {}
                    Step::Wait(milliseconds) => now += Duration::from_millis(milliseconds),
                    Step::Block(pair) => { blocked.insert(20000 + 2 * pair); }
                    Step::Unblock(pair) => { blocked.remove(&(20000 + 2 * pair)); }
                }
                prop_assert_eq!((ports.used(), ports.used() + ports.free()), (used.len(), 16));
            }
            now += REST;
            blocked.clear();
            used.extend(all(&mut ports, now));
            prop_assert_eq!(used.into_iter().collect::<BTreeSet<_>>().len(), 16);
        }
    }
}
