//! Directory files, read: what they say, and everything that is wrong with them.

mod check;
mod places;
mod reader;
mod services;
mod suggest;
mod users;
mod values;

pub use reader::{Kind, Place, Problem};
pub use suggest::nearest;
pub use users::SourceUser;
pub use values::{check_caller_id, check_extension, check_user_name};

use super::model::Model;
use crate::wire::SourceFile;
use reader::{File, Found, Table};
use std::cell::RefCell;
use toml::de::DeTable;

/// What directory files say. It may be used once [`Source::check`] found nothing wrong.
#[derive(Debug)]
pub struct Source {
    /// Everything but users.
    pub model: Model,
    /// Users in the order of the files.
    pub users: Vec<SourceUser>,
    found: Found,
    is_toml: bool,
}

impl Source {
    /// Reads all files as one directory.
    pub fn read(files: &[SourceFile]) -> Source {
        let found = Found { files: files.iter().map(|file| file.name.clone()).collect(), ..Found::default() };
        let found = RefCell::new(found);
        let mut source = Source { model: Model::default(), users: Vec::new(), found: Found::default(), is_toml: true };
        let mut features = None;
        for (index, file) in files.iter().enumerate() {
            let lines = File::new(index, &file.text);
            let (root, errors) = DeTable::parse_recoverable(&file.text);
            for error in &errors {
                let place = lines.place(&error.span().unwrap_or_default());
                found.borrow_mut().problem(place, "", error.message().replace('\n', ", "));
            }
            source.is_toml &= errors.is_empty();
            let root = (root.get_ref(), Place { file: index, line: 0 });
            Table::read(&lines, &found, root, String::new(), |root| source.sections(root, &mut features));
        }
        source.found = found.into_inner();
        source.sort();
        source
    }

    fn sections(&mut self, root: &Table<'_>, features: &mut Option<Place>) {
        let Model { regions, sites, domains, schedules, classes, numbers, menus, queues, conferences, .. } =
            &mut self.model;
        regions.extend(root.sections(Kind::Region, places::region));
        sites.extend(root.sections(Kind::Site, places::site));
        domains.extend(root.sections(Kind::Domain, places::domain));
        schedules.extend(root.sections(Kind::Schedule, places::schedule));
        self.users.extend(root.sections(Kind::User, users::user));
        classes.extend(root.sections(Kind::Class, places::class));
        numbers.extend(root.sections(Kind::Number, places::number));
        menus.extend(root.sections(Kind::Menu, services::menu));
        queues.extend(root.sections(Kind::Queue, services::queue));
        conferences.extend(root.sections(Kind::Conference, services::conference));
        let Model { voicemail, parking, music, trunks, .. } = &mut self.model;
        voicemail.extend(root.sections(Kind::Voicemail, services::shared_box));
        parking.extend(root.sections(Kind::Parking, services::parking));
        music.extend(root.sections(Kind::Music, services::music));
        trunks.extend(root.sections(Kind::Trunk, services::trunk));
        if let Some(read) = root.nested("features", "{ park = \"#72\" }", |table| Some(services::features(table))) {
            self.model.features = Some(read);
            let here = root.place_of("features");
            if features.replace(here).is_some() {
                root.problem("features", here, "is there already; it is one table for the whole exchange");
            }
        }
    }

    /// Brings every list into the one order in which equal directories are equal.
    fn sort(&mut self) {
        let model = &mut self.model;
        model.regions.sort_by(|a, b| a.name.cmp(&b.name));
        model.sites.sort_by(|a, b| a.name.cmp(&b.name));
        model.domains.sort_by(|a, b| a.name.cmp(&b.name));
        model.schedules.sort_by(|a, b| a.name.cmp(&b.name));
        model.classes.sort_by(|a, b| a.name.cmp(&b.name));
        model.numbers.sort_by_cached_key(|number| number.pattern.to_string());
        model.menus.sort_by(|a, b| a.name.cmp(&b.name));
        model.queues.sort_by(|a, b| a.name.cmp(&b.name));
        model.conferences.sort_by(|a, b| a.name.cmp(&b.name));
        model.voicemail.sort_by(|a, b| a.name.cmp(&b.name));
        model.parking.sort_by(|a, b| a.name.cmp(&b.name));
        model.music.sort_by(|a, b| a.name.cmp(&b.name));
        model.trunks.sort_by(|a, b| a.name.cmp(&b.name));
    }
}

#[cfg(test)]
mod tests;
