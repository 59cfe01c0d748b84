//! What a directory has spoken, and whether anybody can speak it.

use super::model::Prompt;
use super::{Destination, Directory};

/// Whether the exchange can speak a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Speech {
    /// As far as is known.
    Possible,
    /// No media node can; the reason, for people, with what helps.
    Impossible(String),
}

impl Directory {
    /// Whether any `say` is in it.
    pub fn speaks(&self) -> bool {
        let model = self.model();
        let is_say = |to: &Destination| matches!(to, Destination::Say(_));
        let is_spoken = |prompt: &Prompt| matches!(prompt, Prompt::Say(_));
        let in_menu = model.menus.iter().any(|menu| {
            let prompts = [Some(&menu.greeting), menu.invalid.as_ref(), menu.on_timeout.as_ref()];
            prompts.into_iter().flatten().any(is_spoken) || is_say(&menu.otherwise) || menu.keys.values().any(is_say)
        });
        let in_queue = |queue: &super::model::Queue| {
            queue.closed.as_ref().is_some_and(is_spoken) || queue.overflow.as_ref().is_some_and(is_say)
        };
        model.numbers.iter().any(|number| is_say(&number.to))
            || in_menu
            || model.queues.iter().any(in_queue)
            || model.trunks.iter().any(|trunk| trunk.inbound.iter().any(|rule| is_say(&rule.to)))
            || self.users().any(|user| {
                let forward = user.forward();
                [&forward.busy, &forward.no_answer, &forward.offline].into_iter().flatten().any(is_say)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::Speech;
    use crate::directory::{DEMO, Directory};
    use crate::wire::SourceFile;

    fn files(text: &str) -> [SourceFile; 1] {
        [SourceFile { name: "directory.toml".into(), text: text.into() }]
    }

    /// A text to speak in each place that may have one, with its line and key.
    const SAYS: [(&str, u32, &str); 7] = [
        ("[[number]]\nmatch = \"1\"\nto = \"say:x\"\ngroup = \"services\"", 3, "number 1: to"),
        ("[[menu]]\nname = \"m\"\ngreeting = { say = \"x\" }", 3, "menu m: greeting: say"),
        ("[[menu]]\nname = \"m\"\ngreeting = { play = \"x\" }\nkeys = { 1 = \"say:x\" }", 4, "menu m: keys: 1"),
        ("[[menu]]\nname = \"m\"\ngreeting = { play = \"x\" }\ninvalid = { say = \"x\" }", 4, "menu m: invalid: say"),
        ("[[queue]]\nname = \"q\"\nclosed = { say = \"x\" }", 3, "queue q: closed: say"),
        ("[[queue]]\nname = \"q\"\noverflow = \"say:x\"", 3, "queue q: overflow"),
        (
            "[[domain]]\nname = \"d\"\n[[user]]\nname = \"u\"\ndomain = \"d\"\npassword = \"x\"\nforward = { busy = \"say:x\" }",
            7,
            "user u: forward: busy",
        ),
    ];

    #[test]
    fn a_text_that_nobody_can_speak_is_refused_with_its_line_and_what_helps() {
        let mute = Speech::Impossible("there is no program espeak-ng".into());
        for (text, line, key) in SAYS {
            let change =
                Directory::empty().apply(&files(text)).unwrap_or_else(|problems| panic!("{text}: {problems:?}"));
            assert!(change.directory.speaks(), "{text}");
            let problems = Directory::empty().apply_where(&files(text), &mute).unwrap_err();
            let found: Vec<_> = problems.iter().map(|problem| (problem.line, &*problem.key)).collect();
            assert_eq!(found, [(line, key)], "{text}");
            assert_eq!(
                problems[0].message,
                "no media node can speak it: there is no program espeak-ng; or play a file instead"
            );
        }
    }

    #[test]
    fn a_directory_without_speech_needs_no_voice_and_many_texts_are_one_problem() {
        let mute = Speech::Impossible("there is no program espeak-ng".into());
        let silent = files("[[number]]\nmatch = \"1\"\nto = \"play:x\"\ngroup = \"services\"");
        let change = Directory::empty().apply_where(&silent, &mute).unwrap();
        assert!(!change.directory.speaks());
        let problems = Directory::empty().apply_where(&files(DEMO), &mute).unwrap_err();
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].message.ends_with("(4 more like it)"), "{}", problems[0].message);
        assert!(Directory::empty().apply_where(&files(DEMO), &Speech::Possible).is_ok());
    }
}
