//! Names that many users share (domains, classes, sites, languages), each kept once.

use std::collections::HashMap;
use std::num::NonZeroU16;
use std::sync::Arc;

/// A shared name, as two bytes. It means the same in every snapshot that grew out of one another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Symbol(NonZeroU16);

/// More than 65,535 different names of domains, classes, sites and languages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than 65,535 different names of domains, classes, sites and languages")]
pub struct TooManyNames;

/// The names; they are only ever added to, so that users of an older snapshot stay as they are.
#[derive(Debug, Clone, Default)]
pub struct Symbols {
    names: Vec<Arc<str>>,
    index: HashMap<Arc<str>, Symbol, foldhash::fast::RandomState>,
}

impl Symbols {
    /// The symbol of `name`, which is added where it is new.
    pub fn intern(&mut self, name: &str) -> Result<Symbol, TooManyNames> {
        if let Some(symbol) = self.find(name) {
            return Ok(symbol);
        }
        let next = u16::try_from(self.names.len() + 1).map_err(|_| TooManyNames)?;
        let symbol = Symbol(NonZeroU16::new(next).expect("a length plus one is not zero"));
        let name: Arc<str> = name.into();
        self.names.push(name.clone());
        self.index.insert(name, symbol);
        Ok(symbol)
    }

    /// The symbol of `name`, where it has one.
    pub fn find(&self, name: &str) -> Option<Symbol> {
        self.index.get(name).copied()
    }

    /// The name of a symbol of this table.
    pub fn name(&self, symbol: Symbol) -> &str {
        &self.names[usize::from(symbol.0.get()) - 1]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_symbol() {
        let mut symbols = Symbols::default();
        let a = symbols.intern("a").unwrap();
        let b = symbols.intern("b").unwrap();
        assert_ne!(a, b);
        assert_eq!(symbols.intern("a"), Ok(a));
        assert_eq!((symbols.name(a), symbols.name(b)), ("a", "b"));
        assert_eq!(symbols.find("c"), None);
    }

    #[test]
    fn the_last_symbol_is_65535() {
        let mut symbols = Symbols::default();
        for n in 0..65_535 {
            symbols.intern(&n.to_string()).unwrap();
        }
        assert_eq!(symbols.intern("one more"), Err(TooManyNames));
        assert!(symbols.intern("65534").is_ok());
    }
}
