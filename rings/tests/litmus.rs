//! Reads `litmus/`: every edge of every module has a program there, and every program its verdicts in the record, which
//! is `litmus/README.md`. With herd7 at hand, the verdicts are found again:
//!
//! ```sh
//! HERD7=herd7 cargo test -p shared-nothing-rings --test litmus -- --nocapture
//! ```
//!
//! `HERD7` is a command; arguments may follow the name of the program, for instance `-set-libdir DIR` for one that is not
//! installed. What it is given is left in the directory for temporary files of the build.

#[path = "litmus/machine.rs"]
mod machine;
#[path = "litmus/program.rs"]
mod program;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use machine::{AArch64, Machine, Power, RiscV, compile};
use program::{Program, named, reached, tags, without};

/// The columns of the record.
const MODELS: [&str; 5] = ["C11", "RC11", "ARMv8", "Power", "RISC-V"];

/// A program as it is, in the record.
const NOTHING: &str = "nothing";

/// A program and what is missing in it, with a verdict for each model.
type Verdicts = BTreeMap<(String, String), [String; MODELS.len()]>;

fn crate_dir() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The texts of the programs by their names.
fn programs() -> BTreeMap<String, String> {
    let mut programs = BTreeMap::new();
    for entry in fs::read_dir(crate_dir().join("tests/litmus")).expect("beside this test") {
        let path = entry.expect("readable").path();
        if path
            .extension()
            .is_some_and(|extension| extension == "litmus")
        {
            let text = fs::read_to_string(&path).expect("a program is text");
            let name = path.file_stem().expect("a name").to_string_lossy();
            assert_eq!(Program::parse(&text).name, name);
            programs.insert(name.into_owned(), text);
        }
    }
    programs
}

/// The cells of the rows of the table that begins with this head.
fn table(text: &str, head: &str) -> Vec<Vec<String>> {
    let rows = text.lines().skip_while(|line| *line != head);
    let rows = rows.take_while(|line| line.starts_with('|')).skip(2);
    let cells = |row: &str| {
        let cells = row.trim_matches('|').split('|');
        cells.map(|cell| cell.trim().to_owned()).collect()
    };
    let rows: Vec<Vec<String>> = rows.map(cells).collect();
    assert!(!rows.is_empty(), "no table `{head}`");
    rows
}

fn readme() -> String {
    let path = crate_dir().join("tests/litmus/README.md");
    fs::read_to_string(path).expect("the record lies with the programs")
}

/// The programs of each edge by module and edge, as the record has them.
fn recorded_edges(readme: &str) -> BTreeMap<(String, String), Vec<String>> {
    let rows = table(readme, "| module | edge | programs |").into_iter();
    let rows = rows.map(|row| {
        let [module, edge, programs] = row.try_into().expect("three cells");
        let programs = programs.split(", ").map(str::to_owned).collect();
        ((module, edge), programs)
    });
    rows.collect()
}

fn recorded_verdicts(readme: &str) -> Verdicts {
    let head = format!("| program | without | {} |", MODELS.join(" | "));
    let rows = table(readme, &head).into_iter();
    let rows = rows.map(|row| {
        let [program, without, verdicts @ ..]: [String; MODELS.len() + 2] =
            row.try_into().expect("seven cells");
        ((program, without), verdicts)
    });
    rows.collect()
}

fn sources_under(path: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path).expect("the sources lie beside the tests") {
        let path = entry.expect("readable").path();
        if path.is_dir() {
            sources_under(&path, found);
        } else {
            found.push(path);
        }
    }
}

/// Module and edge of each row of the tables of edges: words in capitals that begin a cell, in the files where
/// `edges.rs` looks for them.
fn edges_of_sources() -> BTreeSet<(String, String)> {
    let root = crate_dir().join("src");
    let mut paths = Vec::new();
    sources_under(&root, &mut paths);
    let mut edges = BTreeSet::new();
    for path in paths {
        if !(path.ends_with("mod.rs") || path.ends_with("doorbell.rs")) {
            continue;
        }
        let module = path.strip_prefix(&root).expect("under it").parent();
        let module = module.expect("a folder").to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).expect("a source is text");
        let rows = text.lines().filter_map(|line| line.strip_prefix("//! |"));
        for cell in rows.flat_map(|row| row.split('|')) {
            let mut words = cell
                .trim()
                .split(|c: char| !c.is_alphanumeric() && c != '_');
            let word = words.next().unwrap_or_default();
            if word.len() > 3 && word.chars().all(|c| c.is_ascii_uppercase()) {
                edges.insert((module.clone(), word.to_owned()));
            }
        }
    }
    edges
}

/// What each program is tried without: nothing, and each end of the edges that it is the program of.
fn trials(readme: &str) -> Vec<(String, String)> {
    let recorded = recorded_edges(readme);
    let mut trials = Vec::new();
    for (name, text) in programs() {
        trials.push((name.clone(), NOTHING.to_owned()));
        for tag in tags(&text) {
            let edge = tag.split(',').next().unwrap_or_default();
            let is_its_own = |((_, of), programs): (&(String, String), &Vec<String>)| {
                of == edge && programs.contains(&name)
            };
            if recorded.iter().any(is_its_own) {
                trials.push((name.clone(), tag));
            }
        }
    }
    trials
}

/// The programs of the trials, named by trial; and for each program, the one that asks whether it gets anywhere.
fn texts(trials: &[(String, String)]) -> Vec<(String, String)> {
    let programs = programs();
    let mut texts = Vec::new();
    for (at, (program, missing)) in trials.iter().enumerate() {
        let name = format!("{program}.{at}");
        let text = named(&programs[program], &name);
        if missing == NOTHING {
            let other = format!("{program}.reached");
            texts.push((other.clone(), reached(&named(&text, &other))));
            texts.push((name, text));
        } else {
            texts.push((name, without(&text, missing)));
        }
    }
    texts
}

#[test]
fn every_edge_has_a_program() {
    let recorded = recorded_edges(&readme());
    let edges: BTreeSet<_> = recorded.keys().cloned().collect();
    assert_eq!(edges, edges_of_sources());
    let named: BTreeSet<&String> = recorded.values().flatten().collect();
    let programs = programs();
    assert_eq!(named, programs.keys().collect());
    for ((module, edge), names) in &recorded {
        // A step that only looks again bears no order, and has no tag.
        let has_tag = |name| {
            tags(&programs[name])
                .iter()
                .any(|tag| tag.starts_with(edge))
        };
        assert!(
            edge == "RECHECK" || names.iter().all(has_tag),
            "{module} {edge}: {names:?}"
        );
    }
}

#[test]
fn every_trial_has_a_verdict() {
    let readme = readme();
    let recorded = recorded_verdicts(&readme);
    let trials = trials(&readme);
    assert_eq!(
        recorded.keys().collect::<BTreeSet<_>>(),
        trials.iter().collect::<BTreeSet<_>>()
    );
    for ((program, without), verdicts) in &recorded {
        let never = verdicts.iter().all(|verdict| verdict == "Never");
        assert_eq!(
            never,
            without == NOTHING,
            "{program} without {without}: {verdicts:?}"
        );
    }
}

#[test]
fn a_missing_defence_is_missing_on_every_machine() {
    let programs = programs();
    for (name, missing) in trials(&readme()) {
        if missing != NOTHING {
            let whole = Program::parse(&programs[&name]);
            let weaker = Program::parse(&without(&programs[&name], &missing));
            let case = format!("{name} without {missing}");
            assert_ne!(
                compile::<AArch64>(&whole),
                compile::<AArch64>(&weaker),
                "{case}"
            );
            assert_ne!(
                compile::<Power>(&whole),
                compile::<Power>(&weaker),
                "{case}"
            );
            assert_ne!(
                compile::<RiscV>(&whole),
                compile::<RiscV>(&weaker),
                "{case}"
            );
        }
    }
}

#[test]
fn a_wrong_verdict_is_noticed() {
    let recorded = recorded_verdicts(&readme());
    for (trial, verdicts) in &recorded {
        for at in 0..verdicts.len() {
            let mut found = recorded.clone();
            let verdict = &mut found.get_mut(trial).expect("a copy")[at];
            *verdict = if verdict == "Never" {
                "Sometimes"
            } else {
                "Never"
            }
            .to_owned();
            assert_eq!(differences(&recorded, &found).len(), 1);
        }
    }
}

/// Where two records differ, row by row.
fn differences(recorded: &Verdicts, found: &Verdicts) -> Vec<String> {
    let trials: BTreeSet<_> = recorded.keys().chain(found.keys()).collect();
    let differing = trials
        .into_iter()
        .filter(|trial| recorded.get(trial) != found.get(trial));
    let row = |trial: &(String, String)| {
        let [recorded, found] = [recorded, found].map(|record| record.get(trial));
        format!("{trial:?}: recorded {recorded:?}, found {found:?}")
    };
    differing.map(row).collect()
}

/// The verdicts of herd7 on programs of one model, by their names.
fn run(herd: &str, model: &str, texts: &[(String, String)]) -> BTreeMap<String, String> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("litmus")
        .join(model);
    fs::create_dir_all(&dir).expect("a folder for what herd7 reads");
    let mut words = herd.split_whitespace();
    let mut command = Command::new(words.next().expect("HERD7 names a program"));
    command.args(words).args(["-model", model]);
    for (name, text) in texts {
        let path = dir.join(format!("{name}.litmus"));
        fs::write(&path, text).expect("the folder is ours");
        command.arg(path);
    }
    let output = command.output().expect("HERD7 names a program that runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && errors.is_empty(),
        "{model}: {errors}"
    );
    let mut verdicts = BTreeMap::new();
    let mut is_undefined = false;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        is_undefined |= line == "Flag *undef*";
        if let Some(observation) = line.strip_prefix("Observation ") {
            let mut words = observation.split(' ');
            let (name, verdict) = (words.next(), words.next());
            let verdict = if is_undefined { Some("race") } else { verdict };
            let name = name.expect("the name of a program").to_owned();
            verdicts.insert(name, verdict.expect("a verdict").to_owned());
            is_undefined = false;
        }
    }
    assert_eq!(verdicts.len(), texts.len(), "{model}: a verdict for each");
    verdicts
}

fn run_compiled<M: Machine>(herd: &str, texts: &[(String, String)]) -> BTreeMap<String, String> {
    let texts = texts.iter().map(|(name, text)| {
        let program = Program::parse(text);
        (name.clone(), compile::<M>(&program))
    });
    run(herd, M::MODEL, &texts.collect::<Vec<_>>())
}

#[test]
fn herd7_comes_to_the_verdicts_of_the_record() {
    let Ok(herd) = std::env::var("HERD7") else {
        println!("skipped: HERD7 names no command, so the verdicts were not found again");
        return;
    };
    let readme = readme();
    let trials = trials(&readme);
    let texts = texts(&trials);
    let verdicts = [
        run(&herd, "c11_partialSC.cat", &texts),
        run(&herd, "rc11.cat", &texts),
        run_compiled::<AArch64>(&herd, &texts),
        run_compiled::<Power>(&herd, &texts),
        run_compiled::<RiscV>(&herd, &texts),
    ];
    for name in programs().keys() {
        for (verdicts, model) in verdicts.iter().zip(MODELS) {
            let verdict = &verdicts[&format!("{name}.reached")];
            assert_eq!(
                verdict, "Sometimes",
                "{name}, {model}: the outcome is never near"
            );
        }
    }
    let mut found = Verdicts::new();
    for (at, trial) in trials.into_iter().enumerate() {
        let name = format!("{}.{at}", trial.0);
        let row = verdicts.each_ref().map(|verdicts| verdicts[&name].clone());
        println!("| {} | {} | {} |", trial.0, trial.1, row.join(" | "));
        found.insert(trial, row);
    }
    assert_eq!(differences(&recorded_verdicts(&readme), &found), [""; 0]);
}
