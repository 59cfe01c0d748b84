//! Numbers and patterns of numbers in Asterisk's notation, and which of many patterns a dialled number meets.
//!
//! `X` is 0-9, `Z` 1-9, `N` 2-9, `[..]` one of a set with ranges, `.` one character or more, `!` none or more; everything else
//! stands for itself, and `-` and spaces between digits are ignored.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

/// The key `match` of a number: `6003` or `_0ZXXXXXXXX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Exactly this.
    Exact(Box<str>),
    /// What begins with an underscore.
    Pattern(Pattern),
}

/// A pattern; as text it is as it was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: Box<str>,
    symbols: Vec<Set>,
    tail: Tail,
}

/// The characters that one place of a pattern allows: bit n is ASCII character n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Set(u128);

/// What may follow the last place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Tail {
    /// Nothing.
    Nothing,
    /// `.`: one character or more.
    Some,
    /// `!`: none or more.
    Any,
}

/// Why a text is no [`Match`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PatternError {
    /// Nothing to match.
    #[error("is empty")]
    Empty,
    /// More than 64 places.
    #[error("is longer than 64 characters")]
    TooLong,
    /// A character that nobody can dial.
    #[error("has the character {0:?}, which no number can have")]
    Character(char),
    /// `[` without `]`, an empty set, or a range that runs backward.
    #[error("has a set [..] that is not closed, empty or runs backward")]
    Set,
    /// Something behind `.` or `!`.
    #[error("goes on behind the {0}, which already stands for all the rest")]
    BehindTail(char),
}

const MAX_PLACES: usize = 64;

/// Whether a number or name can have this character.
pub fn is_dialable(c: char) -> bool {
    c.is_ascii_alphanumeric() || "+*#-_.~'".contains(c)
}

impl Set {
    fn one(c: char) -> Set {
        Set(1 << (c as u32))
    }

    fn range(from: char, to: char) -> Set {
        Set((from as u32..=to as u32).fold(0, |bits, c| bits | 1 << c))
    }

    fn contains(self, byte: u8) -> bool {
        byte.is_ascii() && self.0 >> byte & 1 == 1
    }

    /// Fewer choices are more specific and come first; the bits only make the order total.
    fn specificity(self) -> (u32, u128) {
        (self.0.count_ones(), self.0)
    }
}

impl FromStr for Match {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Match, PatternError> {
        let Some(body) = text.strip_prefix('_') else {
            return match text.chars().find(|&c| !is_dialable(c)) {
                Some(c) => Err(PatternError::Character(c)),
                None if text.is_empty() => Err(PatternError::Empty),
                None if text.len() > MAX_PLACES => Err(PatternError::TooLong),
                None => Ok(Match::Exact(text.into())),
            };
        };
        let mut symbols = Vec::new();
        let mut tail = Tail::Nothing;
        let mut rest = body.chars();
        while let Some(c) = rest.next() {
            match (tail, c) {
                (_, '-' | ' ') => continue,
                (Tail::Nothing, _) => {}
                (Tail::Some, _) => return Err(PatternError::BehindTail('.')),
                (Tail::Any, _) => return Err(PatternError::BehindTail('!')),
            }
            match c {
                'X' | 'x' => symbols.push(Set::range('0', '9')),
                'Z' | 'z' => symbols.push(Set::range('1', '9')),
                'N' | 'n' => symbols.push(Set::range('2', '9')),
                '[' => symbols.push(set(&mut rest)?),
                '.' => tail = Tail::Some,
                '!' => tail = Tail::Any,
                c if is_dialable(c) => symbols.push(Set::one(c)),
                c => return Err(PatternError::Character(c)),
            }
        }
        match symbols.len() {
            0 if tail == Tail::Nothing => Err(PatternError::Empty),
            0..=MAX_PLACES => Ok(Match::Pattern(Pattern { text: text.into(), symbols, tail })),
            _ => Err(PatternError::TooLong),
        }
    }
}

/// The inside of `[..]`: characters and ranges `a-b`.
fn set(rest: &mut std::str::Chars<'_>) -> Result<Set, PatternError> {
    let (inside, _) = rest.as_str().split_once(']').ok_or(PatternError::Set)?;
    let mut bits = 0;
    let mut inner = inside.chars().peekable();
    while let Some(from) = inner.next() {
        let to = match inner.next_if_eq(&'-') {
            Some(_) => inner.next().ok_or(PatternError::Set)?,
            None => from,
        };
        if let Some(c) = [from, to].into_iter().find(|&c| !is_dialable(c)) {
            return Err(PatternError::Character(c));
        }
        bits |= Set::range(from, to).0;
    }
    if bits == 0 || inside.contains('[') {
        return Err(PatternError::Set);
    }
    rest.nth(inside.chars().count());
    Ok(Set(bits))
}

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Match::Exact(text) | Match::Pattern(Pattern { text, .. }) => f.write_str(text),
        }
    }
}

impl Match {
    /// A text that is the same for all ways to write the same pattern.
    pub fn meaning(&self) -> String {
        match self {
            Match::Exact(text) => text.to_string(),
            Match::Pattern(Pattern { symbols, tail, .. }) => {
                symbols.iter().fold(format!("_{tail:?}"), |text, set| format!("{text} {:x}", set.0))
            }
        }
    }
}

impl Pattern {
    /// Whether `number` meets it.
    pub fn matches(&self, number: &str) -> bool {
        let number = number.as_bytes();
        let Some(extra) = number.len().checked_sub(self.symbols.len()) else { return false };
        let length = match self.tail {
            Tail::Nothing => extra == 0,
            Tail::Some => extra > 0,
            Tail::Any => true,
        };
        length && self.symbols.iter().zip(number).all(|(set, &byte)| set.contains(byte))
    }

    /// The order in which patterns that meet the same number are asked: at the first place where they differ, fewer choices come
    /// before more, a set before `.`, and `.` before `!`. So the longest, most specific one wins.
    pub fn order(&self, other: &Pattern) -> Ordering {
        let places = |pattern: &Pattern| -> Vec<(u32, u128)> {
            let tail = match pattern.tail {
                Tail::Nothing => None,
                Tail::Some => Some((1000, 0)),
                Tail::Any => Some((1001, 0)),
            };
            pattern.symbols.iter().map(|set| set.specificity()).chain(tail).collect()
        };
        places(self).cmp(&places(other))
    }
}

/// Patterns as a tree by place, so that thousands of them cost no more than the length of the number.
#[derive(Debug, Clone)]
pub struct PatternTree<T> {
    nodes: Vec<Node<T>>,
}

#[derive(Debug, Clone)]
struct Node<T> {
    /// Most specific first.
    children: Vec<(Set, usize)>,
    nothing: Option<T>,
    some: Option<T>,
    any: Option<T>,
}

impl<T> Node<T> {
    const EMPTY: Node<T> = Node { children: Vec::new(), nothing: None, some: None, any: None };
}

impl<T: Copy> Default for PatternTree<T> {
    fn default() -> PatternTree<T> {
        PatternTree { nodes: vec![Node::EMPTY] }
    }
}

impl<T: Copy> PatternTree<T> {
    /// Adds a pattern; one with the same [meaning](Match::meaning) as an earlier one takes its place.
    pub fn insert(&mut self, pattern: &Pattern, value: T) {
        let mut at = 0;
        for &set in &pattern.symbols {
            let place = self.nodes[at].children.binary_search_by_key(&set.specificity(), |(set, _)| set.specificity());
            at = match place {
                Ok(found) => self.nodes[at].children[found].1,
                Err(place) => {
                    let new = self.nodes.len();
                    self.nodes[at].children.insert(place, (set, new));
                    self.nodes.push(Node::EMPTY);
                    new
                }
            };
        }
        let node = &mut self.nodes[at];
        match pattern.tail {
            Tail::Nothing => node.nothing = Some(value),
            Tail::Some => node.some = Some(value),
            Tail::Any => node.any = Some(value),
        }
    }

    /// The first pattern, in [order](Pattern::order), that `number` meets.
    pub fn find(&self, number: &str) -> Option<T> {
        self.find_below(0, number.as_bytes())
    }

    /// As deep as the longest pattern at most.
    fn find_below(&self, at: usize, rest: &[u8]) -> Option<T> {
        let node = &self.nodes[at];
        let Some((&first, behind)) = rest.split_first() else { return node.nothing.or(node.any) };
        let below = |(set, child): &(Set, usize)| {
            if set.contains(first) { self.find_below(*child, behind) } else { None }
        };
        node.children.iter().find_map(below).or(node.some).or(node.any)
    }
}

#[cfg(test)]
mod tests;
