use super::{Prompts, SPEAKERS, Speech, WAITING};
use audio::{Prompt, goertzel, level};
use call::PromptSource;
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;
use support::{Scratch, require, wait_for};

/// 8 kHz, mono, 16 bits: these samples.
fn wav(samples: &[i16]) -> Vec<u8> {
    let mut file = b"RIFF\x2a\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0data".to_vec();
    file.extend((2 * samples.len() as u32).to_le_bytes());
    file.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
    file
}

/// A folder of prompts with `a.wav`, and one for spoken texts.
struct World {
    scratch: Scratch,
}

impl World {
    fn new() -> World {
        let scratch = Scratch::new();
        std::fs::create_dir_all(scratch.path().join("prompts")).unwrap();
        let world = World { scratch };
        world.put("a.wav", &wav(&[1, 2, 3]));
        world
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.scratch.path().join(name)
    }

    fn put(&self, name: &str, content: &[u8]) {
        std::fs::write(self.path("prompts").join(name), content).unwrap();
    }

    fn speech(&self, command: &[&str]) -> Speech {
        let command = command.iter().map(|part| (*part).to_owned()).collect();
        Speech { command, voice: String::new(), folder: self.path("speech") }
    }

    fn prompts(&self, speech: Speech) -> Prompts {
        Prompts::start(self.path("prompts"), speech).unwrap()
    }

    /// A shell script with `$text`, `$file` and `$log`, a file to which each run may add.
    fn script(&self, script: &str) -> Speech {
        let log = self.path("log").display().to_string();
        let script = format!("text=$1 file=$2 language=$3 voice=$4 log={log}; {script}");
        self.speech(&["sh", "-c", &script, "sh", "{text}", "{file}", "{language}", "{voice}"])
    }

    /// How often a script has added a line.
    fn runs(&self) -> usize {
        std::fs::read_to_string(self.path("log")).unwrap_or_default().lines().count()
    }

    /// The command of a script that gives `a.wav`.
    fn copies(&self) -> String {
        format!("echo run >> $log && cp {} $file", self.path("prompts/a.wav").display())
    }
}

fn asked(prompts: &Prompts, source: PromptSource, language: &str) -> Receiver<Option<Prompt>> {
    let (told, heard) = sync_channel(1);
    prompts.ask(source, language.to_owned(), Box::new(move |prompt| told.send(prompt).unwrap()));
    heard
}

fn ask(prompts: &Prompts, source: PromptSource) -> Option<Vec<i16>> {
    let prompt = asked(prompts, source, "fr").recv_timeout(Duration::from_secs(20)).unwrap();
    prompt.map(|prompt| prompt.samples().to_vec())
}

fn play(prompts: &Prompts, file: &str) -> Option<Vec<i16>> {
    ask(prompts, PromptSource::Play(file.to_owned()))
}

fn say(prompts: &Prompts, text: &str) -> Option<Vec<i16>> {
    ask(prompts, PromptSource::Say(text.to_owned()))
}

#[test]
fn a_file_is_read_from_the_folder_and_nowhere_else() {
    let world = World::new();
    let prompts = world.prompts(Speech::default());
    assert_eq!(play(&prompts, "a.wav"), Some(vec![1, 2, 3]));
    for file in ["b.wav", "", "../a.wav", "/etc/hostname", "./../a.wav", ".", "a.wav/b"] {
        assert_eq!(play(&prompts, file), None, "{file:?}");
    }
}

#[test]
fn every_kind_of_file_is_found_by_its_name_alone() {
    let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/sound");
    for name in ["tone.mp3", "tone.ogg", "tone.opus", "tone.ulaw", "tone.alaw", "tone.gsm", "tone.g722", "tone.sln16"] {
        let world = World::new();
        world.put(name, &std::fs::read(vectors.join(name)).unwrap());
        let prompts = world.prompts(Speech::default());
        let sound = play(&prompts, "tone").unwrap_or_else(|| panic!("{name} is not found as tone"));
        let tone = goertzel(&sound[800..3200], 8000, 440.0);
        assert!((tone + 6.8).abs() < 0.5, "{name}: {tone}");
        assert_eq!(play(&prompts, name), Some(sound));
    }
}

#[test]
fn of_several_files_of_a_name_the_best_is_played() {
    let world = World::new();
    world.put("welcome.ulaw", &[0xff; 160]);
    world.put("welcome.wav", &wav(&[7; 10]));
    let prompts = world.prompts(Speech::default());
    assert_eq!(play(&prompts, "welcome"), Some(vec![7; 10]));
    assert_eq!(play(&prompts, "welcome.ulaw"), Some(vec![0; 160]));
}

#[test]
fn a_file_that_was_replaced_is_read_again_and_one_that_was_not_is_shared() {
    let world = World::new();
    let prompts = world.prompts(Speech::default());
    let one = |prompts: &Prompts| asked(prompts, PromptSource::Play("a".to_owned()), "fr").recv().unwrap().unwrap();
    let first = one(&prompts);
    assert_eq!(first, one(&prompts), "the same sound, not an equal one");
    world.put("a.wav", &wav(&[4, 5, 6, 7]));
    assert_eq!(one(&prompts).samples(), [4, 5, 6, 7]);
}

#[test]
fn builtin_music_needs_no_file_and_is_made_once() {
    let world = World::new();
    let prompts = world.prompts(Speech::default());
    let music = || asked(&prompts, PromptSource::Play("builtin:morning".to_owned()), "fr").recv().unwrap().unwrap();
    let morning = music();
    assert!(morning.duration() >= Duration::from_secs(30) && level(morning.samples()) > -30.0);
    assert_eq!(morning, music());
    assert_eq!(play(&prompts, "builtin:evening"), None);
    assert!(proto::directory::BUILTIN_SOUNDS.iter().all(|name| play(&prompts, &format!("builtin:{name}")).is_some()));
}

#[test]
fn a_text_is_spoken_by_the_command_and_never_an_option_of_it() {
    let world = World::new();
    let speech = world.script(&format!("test \"$text $language $voice\" = ' -x fr fr' && {}", world.copies()));
    let prompts = world.prompts(speech);
    assert_eq!(say(&prompts, "-x"), Some(vec![1, 2, 3]));
    assert_eq!(say(&prompts, "y"), None);
}

#[test]
fn a_voice_is_named_where_one_is_configured() {
    let world = World::new();
    let speech = world.script(&format!("test \"$voice\" = fr+f3 && {}", world.copies()));
    let prompts = world.prompts(Speech { voice: "{language}+f3".to_owned(), ..speech });
    assert_eq!(say(&prompts, "bonjour"), Some(vec![1, 2, 3]));
}

#[test]
fn a_text_that_many_want_at_once_is_spoken_once() {
    let world = World::new();
    let prompts = world.prompts(world.script(&format!("sleep 0.3; {}", world.copies())));
    let all: Vec<_> = (0..50).map(|_| asked(&prompts, PromptSource::Say("bonjour".to_owned()), "fr")).collect();
    let heard: Vec<Prompt> = all.iter().map(|heard| heard.recv().unwrap().unwrap()).collect();
    assert!(heard.iter().all(|prompt| *prompt == heard[0]));
    assert_eq!(world.runs(), 1);
    assert_eq!(say(&prompts, "bonjour"), Some(vec![1, 2, 3]));
    assert_eq!(world.runs(), 1, "it is remembered");
    asked(&prompts, PromptSource::Say("bonjour".to_owned()), "en").recv().unwrap().unwrap();
    assert_eq!(world.runs(), 2, "another language is another sound");
}

#[test]
fn a_spoken_text_outlives_the_process() {
    let world = World::new();
    let speech = || world.script(&world.copies());
    assert_eq!(say(&world.prompts(speech()), "bonjour"), Some(vec![1, 2, 3]));
    assert_eq!(say(&world.prompts(speech()), "bonjour"), Some(vec![1, 2, 3]));
    assert_eq!(world.runs(), 1);
    let other = Speech { voice: "fr+f3".to_owned(), ..speech() };
    assert_eq!(say(&world.prompts(other), "bonjour"), Some(vec![1, 2, 3]));
    assert_eq!(world.runs(), 2, "another voice is another sound");
    let names: Vec<String> = std::fs::read_dir(world.path("speech"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.len() == 2 && names.iter().all(|name| name.len() == 64 + 4 && name.ends_with(".wav")), "{names:?}");
    for name in names {
        std::fs::write(world.path("speech").join(name), b"RIFF").unwrap();
    }
    assert_eq!(say(&world.prompts(speech()), "bonjour"), Some(vec![1, 2, 3]), "a damaged file is spoken anew");
    assert_eq!(world.runs(), 3);
}

#[test]
fn no_more_commands_than_allowed_run_at_once() {
    let world = World::new();
    let script = format!("echo begin >> $log.$$; sleep 0.2; ls $log.* | wc -l >> $log; rm $log.$$; {}", world.copies());
    let prompts = world.prompts(world.script(&script));
    let all: Vec<_> = (0..6).map(|text| asked(&prompts, PromptSource::Say(text.to_string()), "fr")).collect();
    assert!(all.iter().all(|heard| heard.recv().unwrap().is_some()));
    let log = std::fs::read_to_string(world.path("log")).unwrap();
    let most = log.lines().filter_map(|line| line.trim().parse::<usize>().ok()).max().unwrap();
    assert!(most <= SPEAKERS, "{most} at once");
}

#[test]
fn a_file_does_not_wait_for_speech_and_a_full_queue_is_an_answer() {
    let world = World::new();
    let prompts = world.prompts(world.script(&format!("sleep 1; {}", world.copies())));
    let slow: Vec<_> = (0..WAITING - 1).map(|_| asked(&prompts, PromptSource::Say("slow".to_owned()), "fr")).collect();
    assert_eq!(play(&prompts, "a"), Some(vec![1, 2, 3]));
    let last = asked(&prompts, PromptSource::Say("slow".to_owned()), "fr");
    assert_eq!(say(&prompts, "one too many"), None);
    assert!(slow.iter().chain([&last]).all(|heard| heard.recv().unwrap().is_some()));
    assert!(play(&prompts, "a").is_some(), "there is room again");
}

#[test]
fn without_a_command_or_its_program_there_is_no_speech_but_an_answer() {
    let world = World::new();
    assert_eq!(say(&world.prompts(Speech::default()), "hello"), None);
    assert_eq!(say(&world.prompts(world.speech(&["no-such-program", "{text}"])), "hello"), None);
    assert_eq!(say(&world.prompts(world.speech(&["false"])), "hello"), None);
    let error = world.speech(&["no-such-program", "{text}"]).speak("fr", "hello").unwrap_err().to_string();
    let due = "speech: there is no program no-such-program; install it, or name another in [media.speech] command";
    assert_eq!(error, due);
}

#[test]
fn a_broken_file_is_named_with_what_is_wrong_and_costs_nobody_else() {
    let world = World::new();
    world.put("b.opus", b"OggS");
    let place = super::files::find(&world.path("prompts"), "b").unwrap();
    let error = super::files::read(&place).unwrap_err().to_string();
    assert!(error.ends_with("b.opus: Ogg: it ends in the middle of a page"), "{error}");
    let error = super::files::find(&world.path("prompts"), "c").unwrap_err().to_string();
    assert!(error.starts_with("there is no sound \"c\" in "), "{error}");
    let prompts = world.prompts(Speech::default());
    assert_eq!((play(&prompts, "b"), play(&prompts, "a")), (None, Some(vec![1, 2, 3])));
}

#[test]
fn the_threads_end_with_the_last_who_could_ask() {
    let world = World::new();
    let prompts = world.prompts(Speech::default());
    let state = std::sync::Arc::downgrade(&prompts.state);
    let clone = prompts.clone();
    drop(prompts);
    assert!(play(&clone, "a").is_some());
    drop(clone);
    // Each thread holds it until it ends.
    wait_for("the threads to end", Duration::from_secs(5), || state.upgrade().is_none().then_some(()));
}

#[test]
fn espeak_speaks_french_and_german_and_is_heard() {
    require("espeak-ng", "apt-get install espeak-ng");
    let world = World::new();
    let speech = || world.speech(&["espeak-ng", "-v", "{voice}", "-w", "{file}", "{text}"]);
    let prompts = world.prompts(speech());
    let text = || PromptSource::Say("Bonjour, et bienvenue. Appuyez sur 1 pour le support.".to_owned());
    let spoken = |language| asked(&prompts, text(), language).recv().unwrap().expect("espeak-ng speaks");
    let french = spoken("fr");
    assert!((2.0..8.0).contains(&french.duration().as_secs_f32()), "{:?}", french.duration());
    assert!(level(french.samples()) > -35.0, "{}", level(french.samples()));
    assert_eq!(french.rate(), 16_000, "it has more than a narrowband codec carries");
    assert_ne!(french.samples(), spoken("de").samples());
    assert_eq!(french, spoken("fr"));
    let other = world.prompts(Speech { voice: "{language}+f3".to_owned(), ..speech() });
    assert_ne!(asked(&other, text(), "fr").recv().unwrap().unwrap().samples(), french.samples());
    // Nobody has such a voice: the command fails, and the call has its chime.
    assert!(asked(&prompts, text(), "xx-none").recv().unwrap().is_none());
}
