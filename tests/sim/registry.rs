//! The registries together: the registrar's rules over records in memory, and whether anybody answers at all.

use proto::directory::{Directory, WhenFull};
use proto::registrar::Unavailable;
use proto::time::UnixMillis;
use proto::view::View;
use proto::wire::{LocateRequest, LocateResponse, RegisterRequest, RegisterResponse};
use registry::registrar::record::Record;
use registry::registrar::{self, Outcome, Overflow, Policy};
use std::collections::BTreeMap;

/// All records, as one registry that never forgets.
#[derive(Default)]
pub struct Registry {
    pub records: BTreeMap<String, Record>,
    pub is_down: bool,
    /// Questions where somebody is registered.
    pub located: usize,
}

impl Registry {
    pub fn register(
        &mut self,
        view: &View,
        wall: UnixMillis,
        request: RegisterRequest,
        random: u64,
    ) -> Result<RegisterResponse, Unavailable> {
        if self.is_down {
            return Err(Unavailable);
        }
        let now = wall.seconds().0 as u32;
        let directory = view.directory.load();
        let contacts = directory.user(&request.aor).expect("the proxy knows the user").contacts();
        let overflow = match contacts.when_full {
            WhenFull::OldestGoes => Overflow::Oldest,
            WhenFull::Refuse => Overflow::Refuse,
        };
        let gruu = view.gruu.load();
        let policy =
            Policy { min_expires: 60, max_expires: 3600, contacts: usize::from(contacts.limit), overflow, gruu: &gruu };
        let record = self.records.entry(request.aor.clone()).or_default();
        let response = match registrar::register(record, &request, &policy, now, random) {
            Outcome::Done(response) => response,
            Outcome::Write { record: changed, response } => {
                *record = changed;
                response
            }
        };
        Ok(response)
    }

    pub fn locate(
        &mut self,
        view: &View,
        wall: UnixMillis,
        request: &LocateRequest,
    ) -> Result<LocateResponse, Unavailable> {
        self.located += 1;
        if self.is_down {
            return Err(Unavailable);
        }
        let directory: &Directory = &view.directory.load();
        if directory.user(&request.aor).is_none() {
            return Ok(LocateResponse::default());
        }
        let now = wall.seconds().0 as u32;
        let empty = Record::default();
        let record = self.records.get(&request.aor).unwrap_or(&empty);
        Ok(registrar::locate(record, &request.instance, &view.gruu.load(), now))
    }
}
