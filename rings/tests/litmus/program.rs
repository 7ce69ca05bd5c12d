//! A litmus test in the subset of herd7's C that is used here, one statement a line.

/// What a read-modify-write does to the value that it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    Add(i64),
    Or(i64),
    And(i64),
    Set(i64),
    /// Sets `to`, if it found `from`.
    SetIf {
        from: i64,
        to: i64,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Order {
    pub(crate) acquire: bool,
    pub(crate) release: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Load {
        to: String,
        from: String,
        order: Order,
    },
    Store {
        to: String,
        value: i64,
        order: Order,
    },
    /// `found` is what was found; for `SetIf`, whether that was `from`.
    Modify {
        found: String,
        place: String,
        change: Change,
        order: Order,
    },
    Fence,
    If {
        local: String,
        is: i64,
    },
    EndIf,
}

#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) name: String,
    pub(crate) places: Vec<(String, i64)>,
    pub(crate) threads: Vec<Vec<Step>>,
    pub(crate) exists: String,
}

impl Program {
    /// # Panics
    ///
    /// At a line that is not of the subset.
    pub(crate) fn parse(text: &str) -> Self {
        let mut program = Self {
            name: String::new(),
            places: Vec::new(),
            threads: Vec::new(),
            exists: String::new(),
        };
        for line in text.lines() {
            let code = line.split("//").next().unwrap_or_default().trim();
            if let Some(name) = code.strip_prefix("C ") {
                program.name = name.to_owned();
            } else if let Some(places) = line.strip_prefix('{') {
                let places = places.split(';').filter_map(|place| place.split_once('='));
                let places = places.map(|(name, value)| (name.trim().to_owned(), number(value)));
                program.places = places.collect();
            } else if line.starts_with('P') {
                program.threads.push(Vec::new());
            } else if let Some(exists) = line.strip_prefix("exists (") {
                let exists = exists.strip_suffix(')').expect("in parentheses");
                program.exists = exists.to_owned();
            } else if line.starts_with("  ") && !program.threads.is_empty() {
                let step = program.step(code.trim_end_matches(';'));
                let thread = program.threads.last_mut();
                thread.expect("a thread has begun").push(step);
            }
        }
        assert!(!program.exists.is_empty(), "a last line `exists (...)`");
        program
    }

    fn step(&self, code: &str) -> Step {
        if code == "}" {
            return Step::EndIf;
        }
        if let Some(condition) = code.strip_prefix("if (") {
            let (local, value) = condition.split_once(" == ").expect("if (local == number)");
            return Step::If {
                local: local.to_owned(),
                is: number(value.trim_end_matches(") {")),
            };
        }
        let (local, what) = match code.strip_prefix("int ") {
            Some(rest) => rest.split_once(" = ").expect("int local = ..."),
            None => ("", code),
        };
        if let Some(place) = what.strip_prefix('*') {
            let order = order("relaxed");
            return match place.split_once(" = ") {
                Some((to, value)) => Step::Store {
                    to: to.to_owned(),
                    value: number(value),
                    order,
                },
                None => Step::Load {
                    to: local.to_owned(),
                    from: place.to_owned(),
                    order,
                },
            };
        }
        let (call, arguments) = what.split_once('(').expect("a call");
        let arguments: Vec<&str> = arguments.trim_end_matches(')').split(", ").collect();
        let call = call.trim_start_matches("atomic_");
        if call == "thread_fence" {
            assert_eq!(arguments, ["memory_order_seq_cst"]);
            return Step::Fence;
        }
        let local = local.to_owned();
        let place = arguments[0].to_owned();
        // The order of the last argument is that of a failure, where there are two.
        let order = |at: usize| order(arguments[at]);
        let modify = |change: fn(i64) -> Change| Step::Modify {
            found: local.clone(),
            place: place.clone(),
            change: change(number(arguments[1])),
            order: order(2),
        };
        match call {
            "load_explicit" => Step::Load {
                to: local,
                from: place,
                order: order(1),
            },
            "store_explicit" => Step::Store {
                to: place,
                value: number(arguments[1]),
                order: order(2),
            },
            "fetch_add_explicit" => modify(Change::Add),
            "fetch_sub_explicit" => modify(|value| Change::Add(-value)),
            "fetch_or_explicit" => modify(Change::Or),
            "fetch_and_explicit" => modify(Change::And),
            "exchange_explicit" => modify(Change::Set),
            "compare_exchange_strong_explicit" => Step::Modify {
                found: local,
                place,
                change: Change::SetIf {
                    from: self.value_at_first(arguments[1]),
                    to: number(arguments[2]),
                },
                order: order(3),
            },
            _ => panic!("{code}: not a statement of this subset"),
        }
    }

    fn value_at_first(&self, name: &str) -> i64 {
        let place = self.places.iter().find(|(place, _)| place == name);
        place.expect("a place with a first value").1
    }
}

fn number(text: &str) -> i64 {
    text.trim().parse().expect("a number")
}

fn order(text: &str) -> Order {
    let order = text.trim_start_matches("memory_order_");
    Order {
        acquire: ["acquire", "acq_rel"].contains(&order),
        release: ["release", "acq_rel"].contains(&order),
    }
}

/// The tags of a program: `EDGE, release end`, `EDGE, acquire end` or `EDGE, both ends`, each once.
pub(crate) fn tags(text: &str) -> Vec<String> {
    let mut tags = Vec::new();
    for (_, tag) in text.lines().filter_map(|line| line.split_once("// ")) {
        if !tags.iter().any(|known| known == tag) {
            tags.push(tag.to_owned());
        }
    }
    tags
}

/// The program without the defence that bears this tag: its order weakened by that end, or its fence removed.
pub(crate) fn without(text: &str, tag: &str) -> String {
    let mut weaker = String::new();
    for line in text.lines() {
        let bears = line.split_once("// ").is_some_and(|(_, at)| at == tag);
        if !bears {
            weaker += line;
        } else if tag.ends_with("release end") {
            let line = line.replace("_release", "_relaxed");
            weaker += &line.replace("_acq_rel", "_acquire");
        } else if tag.ends_with("acquire end") {
            let line = line.replace("_acquire", "_relaxed");
            weaker += &line.replace("_acq_rel", "_release");
        } else {
            assert!(line.contains("fence"), "{line}: both ends are a fence's");
        }
        weaker += "\n";
    }
    assert_ne!(weaker, text, "{tag}: not in the program");
    weaker
}

/// The program under another name.
pub(crate) fn named(text: &str, name: &str) -> String {
    let (_, rest) = text.split_once('\n').expect("a first line");
    format!("C {name}\n{rest}")
}

/// The program that asks whether the forbidden outcome is missed by its last condition alone, and not because the
/// outcome before it never happens.
pub(crate) fn reached(text: &str) -> String {
    let (rest, _) = text.rsplit_once(" /\\ ").expect("two conditions");
    format!("{rest})\n")
}
