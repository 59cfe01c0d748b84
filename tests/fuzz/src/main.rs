//! Runs the fuzz targets on stable: mutates vectors and seeds with a seeded generator for a while.
//!
//! `fuzz TARGET|all SECONDS [SEED]`. A failing input is saved under `tests/fuzz/artifacts`; `fuzz TARGET FILE` runs it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use fuzz::{TARGETS, Target};

const FOLDER: &str = env!("CARGO_MANIFEST_DIR");
const LONGEST: usize = 80_000;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let (name, how) = match &arguments[..] {
        [name, how, ..] => (name, how),
        _ => return usage(),
    };
    let targets: Vec<&Target> = TARGETS.iter().filter(|target| name == "all" || target.name == name).collect();
    if targets.is_empty() {
        return usage();
    }
    if let Ok(input) = std::fs::read(how) {
        targets.iter().for_each(|target| (target.run)(&input));
        return ExitCode::SUCCESS;
    }
    let Ok(seconds) = how.parse() else { return usage() };
    let seed = arguments.get(2).and_then(|seed| seed.parse().ok()).unwrap_or_else(clock);
    let held: Vec<bool> = targets.iter().map(|target| run(target, Duration::from_secs(seconds), seed)).collect();
    if held.iter().all(|held| *held) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn usage() -> ExitCode {
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    eprintln!("usage: fuzz all|{} SECONDS [SEED] | TARGET FILE", names.join("|"));
    ExitCode::from(64)
}

fn clock() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(1, |since| since.as_nanos() as u64)
}

fn run(target: &Target, time: Duration, seed: u64) -> bool {
    let seeds = seeds(target);
    println!("{}: seed {seed}, {} inputs, {} s", target.name, seeds.len(), time.as_secs());
    let started = Instant::now();
    let mut random = Random(seed);
    let mut runs = 0u64;
    for input in &seeds {
        if !holds(target, input) {
            return false;
        }
    }
    while !runs.is_multiple_of(256) || started.elapsed() < time {
        let mut input = random.pick(&seeds).clone();
        for _ in 0..1 << random.below(5) {
            mutate(&mut input, &mut random, &seeds, target.dictionary);
        }
        input.truncate(LONGEST);
        if !holds(target, &input) {
            println!("{}: seed {seed}, run {runs}", target.name);
            return false;
        }
        runs += 1;
    }
    println!("{}: {runs} runs, nothing found", target.name);
    true
}

fn holds(target: &Target, input: &[u8]) -> bool {
    let held = catch_unwind(AssertUnwindSafe(|| (target.run)(input))).is_ok();
    if !held {
        let folder = Path::new(FOLDER).join("artifacts");
        let path = folder.join(format!("{}-{:016x}", target.name, hash(input)));
        match std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input)) {
            Ok(()) => println!("saved as {}", path.display()),
            Err(error) => println!("{}: {error}\n{}", path.display(), input.escape_ascii()),
        }
    }
    held
}

fn seeds(target: &Target) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = target.seeds.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    for folder in target.vectors {
        let folder = Path::new(FOLDER).join("../vectors").join(folder);
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        seeds.extend(paths.iter().filter_map(|path| std::fs::read(path).ok()));
    }
    seeds
}

fn mutate(input: &mut Vec<u8>, random: &mut Random, seeds: &[Vec<u8>], dictionary: &[&str]) {
    let at = random.below(input.len() + 1);
    let longest = 1 << random.below(9);
    let length = random.below(1 + longest.min(input.len() - at));
    match random.below(9) {
        0 if at < input.len() => input[at] ^= 1 << random.below(8),
        1 if at < input.len() => input[at] = random.below(256) as u8,
        2 => drop(input.drain(at..at + length)),
        3 => {
            let part = input[at..at + length].to_vec();
            let to = random.below(input.len() + 1);
            input.splice(to..to, part);
        }
        4 => {
            let other = random.pick(seeds);
            let from = random.below(other.len() + 1);
            let count = random.below(other.len() - from + 1);
            input.splice(at..at + length, other[from..from + count].iter().copied());
        }
        5 => {
            let count = 1 << random.below(10);
            let byte = if length > 0 { input[at] } else { b' ' };
            input.splice(at..at, std::iter::repeat_n(byte, count));
        }
        _ if !dictionary.is_empty() => {
            let replaced = if random.below(2) == 0 { at } else { at + length.min(4) };
            input.splice(at..replaced, random.pick(dictionary).bytes());
        }
        _ => {}
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}

fn hash(input: &[u8]) -> u64 {
    input.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ *byte as u64).wrapping_mul(0x100_0000_01b3))
}
