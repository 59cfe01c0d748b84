//! Many things found by a 64-bit hash, in 4096 shared buckets, so that a change copies one bucket and not all.

use siphasher::sip::SipHasher13;
use std::hash::Hasher;
use std::ops::Range;
use std::sync::Arc;

/// How many buckets there are; part 1 + k of a snapshot is bucket k.
pub const BUCKETS: usize = 4096;

/// The longest name or extension of a user, in bytes.
pub const MAX_NAME: usize = 64;

/// The hash of a name or extension in `domain`, stable across processes and versions: it decides in which part a user travels.
/// Upper and lower case of the name are the same; a name longer than [`MAX_NAME`] is nobody's.
pub fn hash(name: &str, domain: &str) -> u64 {
    let mut lower = [0; MAX_NAME];
    let length = name.len().min(MAX_NAME);
    lower[..length].copy_from_slice(&name.as_bytes()[..length]);
    lower.make_ascii_lowercase();
    let mut hasher = content_hasher();
    hasher.write(&lower[..length]);
    hasher.write(b"@");
    hasher.write(domain.as_bytes());
    hasher.finish()
}

/// The hash of a part's content: its version.
pub fn version(content: &[u8]) -> u64 {
    let mut hasher = content_hasher();
    hasher.write(content);
    hasher.finish()
}

fn content_hasher() -> SipHasher13 {
    SipHasher13::new_with_keys(0x7461_6e64_656d_2e64, 0x6972_6563_746f_7279)
}

/// The bucket of a hash: its topmost twelve bits.
pub fn bucket_of(hash: u64) -> usize {
    (hash >> 52) as usize
}

/// One bucket: items in ascending order of their hash; a clone shares them.
#[derive(Debug)]
pub struct Bucket<T> {
    hashes: Arc<[u64]>,
    items: Arc<[T]>,
    /// Hash of what the bucket holds, as it travels; 0 where nobody asks.
    pub version: u64,
}

impl<T> Clone for Bucket<T> {
    fn clone(&self) -> Bucket<T> {
        Bucket { hashes: self.hashes.clone(), items: self.items.clone(), version: self.version }
    }
}

impl<T> Bucket<T> {
    /// A bucket of `items`, in any order.
    pub fn new(version: u64, mut items: Vec<(u64, T)>) -> Bucket<T> {
        items.sort_by_key(|(hash, _)| *hash);
        let (hashes, items): (Vec<u64>, Vec<T>) = items.into_iter().unzip();
        Bucket { hashes: hashes.into(), items: items.into(), version }
    }

    /// What it holds, in ascending order of the hash.
    pub fn items(&self) -> &[T] {
        &self.items
    }

    /// Whether one is a clone of the other.
    #[cfg(test)]
    pub fn is_shared_with(&self, other: &Bucket<T>) -> bool {
        Arc::ptr_eq(&self.items, &other.items)
    }

    /// Each item with its hash.
    pub fn entries(&self) -> impl Iterator<Item = (u64, &T)> {
        self.hashes.iter().copied().zip(&*self.items)
    }

    /// The items with this hash: one, none, and once in the life of the universe two.
    fn find(&self, hash: u64) -> &[T] {
        &self.items[self.range(hash)]
    }

    /// Hashes are evenly spread, so the place is guessed and then walked to: about one cache line.
    fn range(&self, hash: u64) -> Range<usize> {
        let hashes = &*self.hashes;
        let within = u128::from(hash << 12);
        let mut start = ((within * hashes.len() as u128) >> 64) as usize;
        while start < hashes.len() && hashes[start] < hash {
            start += 1;
        }
        while start > 0 && hashes[start - 1] >= hash {
            start -= 1;
        }
        let same = hashes[start..].iter().take_while(|&&other| other == hash).count();
        start..start + same
    }
}

/// All buckets of one kind; a clone shares them.
#[derive(Debug)]
pub struct Buckets<T> {
    buckets: Arc<[Bucket<T>]>,
}

impl<T> Clone for Buckets<T> {
    fn clone(&self) -> Buckets<T> {
        Buckets { buckets: self.buckets.clone() }
    }
}

impl<T> Buckets<T> {
    /// No item; every bucket is the same empty one, of this version.
    pub fn empty(version: u64) -> Buckets<T> {
        let bucket = Bucket::new(version, Vec::new());
        Buckets { buckets: (0..BUCKETS).map(|_| bucket.clone()).collect() }
    }

    /// Bucket `index`, below [`BUCKETS`].
    pub fn bucket(&self, index: usize) -> &Bucket<T> {
        &self.buckets[index]
    }

    /// All buckets in order.
    pub fn iter(&self) -> impl Iterator<Item = &Bucket<T>> {
        self.buckets.iter()
    }

    /// Every item, bucket by bucket.
    pub fn items(&self) -> impl Iterator<Item = &T> {
        self.buckets.iter().flat_map(|bucket| bucket.items())
    }

    /// How many items there are.
    pub fn len(&self) -> usize {
        self.buckets.iter().map(|bucket| bucket.items.len()).sum()
    }

    /// The items with this hash.
    pub fn find(&self, hash: u64) -> &[T] {
        self.buckets[bucket_of(hash)].find(hash)
    }

    /// The same with some buckets replaced.
    pub fn with(&self, replaced: Vec<(usize, Bucket<T>)>) -> Buckets<T> {
        if replaced.is_empty() {
            return self.clone();
        }
        let mut buckets = self.buckets.to_vec();
        for (index, bucket) in replaced {
            buckets[index] = bucket;
        }
        Buckets { buckets: buckets.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[String]) -> Buckets<String> {
        let mut sorted: Vec<Vec<(u64, String)>> = vec![Vec::new(); BUCKETS];
        for name in names {
            let hash = hash(name, "d");
            sorted[bucket_of(hash)].push((hash, name.clone()));
        }
        Buckets::empty(0).with(sorted.into_iter().map(|items| Bucket::new(1, items)).enumerate().collect())
    }

    #[test]
    fn every_item_is_found_and_no_other() {
        for count in [0, 1, 50, 20_000] {
            let names: Vec<String> = (0..count).map(|n| format!("u{n}")).collect();
            let buckets = of(&names);
            assert_eq!(buckets.len(), names.len());
            assert!(names.iter().all(|name| buckets.find(hash(name, "d")) == [name.clone()]));
            assert!((0..1000).all(|n| buckets.find(hash(&format!("x{n}"), "d")).is_empty()));
        }
    }

    #[test]
    fn a_bucket_finds_the_ends_of_the_range() {
        let bucket = Bucket::new(0, vec![(u64::MAX, 'z'), (0, 'a'), (7, 'b'), (7, 'c')]);
        assert_eq!(bucket.find(0), ['a']);
        assert_eq!(bucket.find(7), ['b', 'c']);
        assert_eq!(bucket.find(u64::MAX), ['z']);
        assert_eq!(bucket.find(8), []);
    }

    #[test]
    fn a_change_leaves_the_other_buckets_shared() {
        let before = of(&["a".into(), "b".into()]);
        let place = bucket_of(hash("a", "d"));
        let after = before.with(vec![(place, Bucket::new(2, Vec::new()))]);
        let shared = (0..BUCKETS).filter(|&i| before.bucket(i).is_shared_with(after.bucket(i))).count();
        assert_eq!(shared, BUCKETS - 1);
        assert_eq!(after.len(), 1);
    }

    #[test]
    fn hashes_never_change() {
        assert_eq!(hash("Alice", "tandem.local"), 15_445_222_547_207_904_320);
    }
}
