//! What was measured, as plain data, and as JSON.

use std::{error::Error, fs, path::Path, process::Command, time::Instant};

use serde_json::{Value, json};

use shared_nothing_affinity::CpuId;

use crate::stats::Spread;

/// What a comparison has found.
pub struct Report {
    /// Name and value, in the order in which they are printed.
    pub machine: Vec<(String, String)>,
    /// How often each figure was measured.
    pub rounds: usize,
    /// The figures.
    pub tables: Vec<Table>,
}

/// A workload, or one of several figures of a workload. In all of them less is better.
pub struct Table {
    /// Short, and fit for a file's name.
    pub id: String,
    /// What it measures.
    pub title: String,
    /// What the numbers count.
    pub unit: String,
    /// Who was measured.
    pub rows: Vec<Row>,
}

/// One who was measured.
pub struct Row {
    /// What it is called.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// With whom it is compared.
    pub class: Class,
    /// A number a round.
    pub samples: Vec<f64>,
}

/// What a row is in the comparison.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What this repository makes.
    Ours,
    /// What others make for the same task.
    Rival,
    /// The least that the task can take; not a thing to use.
    Floor,
    /// Less than the task: what the machine takes for a part of it.
    Machine,
}

/// What a row promises. Those that promise the same are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// All that the task asks for: one order for all, and no CPU taken while there is nothing to do.
    Plain,
    /// An order for each producer: the easier task.
    EachProducer,
    /// It keeps its CPU busy for a while before it parks, or for ever: quicker to answer, and dearer to wait.
    Awake,
}

impl Row {
    /// The median of its samples, and what is around it.
    ///
    /// # Panics
    ///
    /// If it has no sample.
    #[must_use]
    pub fn spread(&self) -> Spread {
        Spread::of(&self.samples)
    }
}

impl Table {
    /// The row of this kind and class with the least median.
    #[must_use]
    pub fn best(&self, kind: Kind, class: Class) -> Option<&Row> {
        self.rows
            .iter()
            .filter(|row| row.kind == kind && row.class == class)
            .min_by(|a, b| a.spread().median.total_cmp(&b.spread().median))
    }

    /// How many times as long as the best rival with the same promise; `None` if there is no such rival.
    #[must_use]
    pub fn ratio(&self, row: &Row) -> Option<f64> {
        let best = self.best(Kind::Rival, row.class)?;
        let (own, best) = (row.spread().median, best.spread().median);
        // Both nothing: as good as each other.
        Some(if own == best { 1.0 } else { own / best })
    }
}

/// What the figures depend on.
#[must_use]
pub fn machine(cpus: &[CpuId]) -> Vec<(String, String)> {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = cpuinfo.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(':')?.1.trim().to_owned())
    };
    let unknown = || "unknown".to_owned();
    let virtual_machine = field("flags").is_some_and(|flags| flags.contains(" hypervisor"));
    let first_line = |path| {
        let text = fs::read_to_string(path).ok()?;
        Some(text.lines().next()?.to_owned())
    };
    let output = |program: &str, args: &[&str]| {
        let output = Command::new(program).args(args).output().ok()?;
        Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
    };
    let cpus: Vec<String> = cpus.iter().map(|cpu| cpu.0.to_string()).collect();
    [
        ("cpu", field("model name").unwrap_or_else(unknown)),
        (
            "virtual machine",
            (if virtual_machine { "yes" } else { "no" }).to_owned(),
        ),
        ("cpus used", cpus.join(", ")),
        (
            "kernel",
            first_line("/proc/sys/kernel/osrelease").unwrap_or_else(unknown),
        ),
        (
            "compiler",
            output("rustc", &["--version"]).unwrap_or_else(unknown),
        ),
        (
            "date",
            output("date", &["-u", "+%F"]).unwrap_or_else(unknown),
        ),
        (
            "load at the start",
            first_line("/proc/loadavg").map_or_else(unknown, |load| {
                load.split(' ').take(3).collect::<Vec<_>>().join(" ")
            }),
        ),
        ("one reading of the clock", format!("{:.0} ns", clock_ns())),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

/// The least of many, each over many readings: what disturbs it only adds to it.
fn clock_ns() -> f64 {
    const READINGS: u32 = 1000;
    let batch = |_| {
        let from = Instant::now();
        for _ in 0..READINGS {
            std::hint::black_box(Instant::now());
        }
        from.elapsed().as_secs_f64() * 1e9 / f64::from(READINGS)
    };
    (0..200).map(batch).fold(f64::INFINITY, f64::min)
}

const KINDS: [(&str, Kind); 4] = [
    ("ours", Kind::Ours),
    ("rival", Kind::Rival),
    ("floor", Kind::Floor),
    ("machine", Kind::Machine),
];
const CLASSES: [(&str, Class); 3] = [
    ("plain", Class::Plain),
    ("each producer", Class::EachProducer),
    ("awake", Class::Awake),
];

impl Report {
    /// As JSON, with each sample.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "name": row.name,
                "kind": KINDS.iter().find(|(_, kind)| *kind == row.kind).map(|(name, _)| name),
                "class": CLASSES.iter().find(|(_, class)| *class == row.class).map(|(name, _)| name),
                "median": row.spread().median,
                "q1": row.spread().q1,
                "q3": row.spread().q3,
                "min": row.spread().min,
                "samples": row.samples,
            })
        };
        let table = |table: &Table| {
            json!({
                "id": table.id,
                "title": table.title,
                "unit": table.unit,
                "rows": table.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        let machine = |(name, value): &(String, String)| json!([name, value]);
        json!({
            "machine": self.machine.iter().map(machine).collect::<Vec<_>>(),
            "rounds": self.rounds,
            "tables": self.tables.iter().map(table).collect::<Vec<_>>(),
        })
    }

    /// Reads the file of a report.
    ///
    /// # Errors
    ///
    /// It cannot be read, is no JSON, or is the JSON of something else.
    pub fn read(path: &Path) -> Result<Self, Box<dyn Error>> {
        let json = serde_json::from_str(&fs::read_to_string(path)?)?;
        Ok(Self::from_json(&json).ok_or("not a report of a comparison")?)
    }

    /// Reads what [`to_json`](Self::to_json) wrote; `None` if it is something else.
    #[must_use]
    pub fn from_json(value: &Value) -> Option<Self> {
        let text = |value: &Value| Some(value.as_str()?.to_owned());
        let row = |value: &Value| {
            let samples = value["samples"].as_array()?;
            let samples: Option<Vec<f64>> = samples.iter().map(Value::as_f64).collect();
            Some(Row {
                name: text(&value["name"])?,
                kind: KINDS.iter().find(|(name, _)| value["kind"] == *name)?.1,
                class: CLASSES.iter().find(|(name, _)| value["class"] == *name)?.1,
                samples: samples.filter(|samples| !samples.is_empty())?,
            })
        };
        let table = |value: &Value| {
            Some(Table {
                id: text(&value["id"])?,
                title: text(&value["title"])?,
                unit: text(&value["unit"])?,
                rows: value["rows"]
                    .as_array()?
                    .iter()
                    .map(row)
                    .collect::<Option<_>>()?,
            })
        };
        let machine = |value: &Value| Some((text(&value[0])?, text(&value[1])?));
        Some(Self {
            machine: value["machine"]
                .as_array()?
                .iter()
                .map(machine)
                .collect::<Option<_>>()?,
            rounds: usize::try_from(value["rounds"].as_u64()?).ok()?,
            tables: value["tables"]
                .as_array()?
                .iter()
                .map(table)
                .collect::<Option<_>>()?,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A table with one of each kind, and a rival with the easier promise.
    pub(crate) fn example() -> Report {
        let row = |name: &str, kind, class, samples: &[f64]| Row {
            name: name.to_owned(),
            kind,
            class,
            samples: samples.to_vec(),
        };
        Report {
            machine: vec![("cpu".to_owned(), "a <small> one".to_owned())],
            rounds: 3,
            tables: vec![Table {
                id: "mpsc_2p".to_owned(),
                title: "2 → 1".to_owned(),
                unit: "ns".to_owned(),
                rows: vec![
                    row("mpsc", Kind::Ours, Class::Plain, &[10.0, 12.0, 11.0]),
                    row("other", Kind::Rival, Class::Plain, &[22.0, 20.0, 24.0]),
                    row("split", Kind::Rival, Class::EachProducer, &[5.0, 5.0, 5.0]),
                    row("least", Kind::Floor, Class::Plain, &[2.0, 2.0, 2.0]),
                    row("slow", Kind::Rival, Class::Plain, &[900.0, 900.0, 900.0]),
                ],
            }],
        }
    }

    #[test]
    fn json_comes_back_as_it_was() {
        let json = example().to_json();
        let back = Report::from_json(&json).expect("it is a report");
        assert_eq!(back.to_json(), json);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        assert!(Report::from_json(&json!({})).is_none());
        let mut json = example().to_json();
        json["tables"][0]["rows"][0]["kind"] = json!("theirs");
        assert!(Report::from_json(&json).is_none());
        let mut json = example().to_json();
        json["tables"][0]["rows"][0]["samples"] = json!([]);
        assert!(Report::from_json(&json).is_none());
    }

    #[test]
    fn ratio_is_to_the_best_rival_with_the_same_promise() {
        let report = example();
        let table = &report.tables[0];
        assert_eq!(table.ratio(&table.rows[0]), Some(0.5));
        assert_eq!(table.ratio(&table.rows[2]), Some(1.0));
    }
}
