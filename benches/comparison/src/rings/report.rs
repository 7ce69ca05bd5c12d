//! What was measured, as plain data, and as JSON.

use std::{fs, process::Command, time::Instant};

use serde_json::{Value, json};

use super::{
    list::{Kind, Order, Workload},
    rounds::Settings,
    stats::Spread,
    workload::Sample,
};

pub(crate) struct Report {
    /// Name and value, in the order in which they are printed.
    pub(crate) machine: Vec<(String, String)>,
    pub(crate) rounds: usize,
    pub(crate) tables: Vec<Table>,
}

/// A workload, or one of two figures of a workload.
pub(crate) struct Table {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) order: Order,
    /// Nanoseconds, a round each.
    pub(crate) samples: Vec<f64>,
}

impl Row {
    pub(crate) fn spread(&self) -> Spread {
        Spread::of(&self.samples)
    }
}

impl Table {
    /// The row of this kind and order with the least median.
    pub(crate) fn best(&self, kind: Kind, order: Order) -> Option<&Row> {
        self.rows
            .iter()
            .filter(|row| row.kind == kind && row.order == order)
            .min_by(|a, b| a.spread().median.total_cmp(&b.spread().median))
    }

    /// How many times as long as the best rival with the same promise; `None` if there is no such rival.
    pub(crate) fn ratio(&self, row: &Row) -> Option<f64> {
        let best = self.best(Kind::Rival, row.order)?;
        Some(row.spread().median / best.spread().median)
    }
}

/// What is needed of a workload once it has run.
pub(crate) struct Names {
    id: &'static str,
    title: &'static str,
    entries: Vec<(&'static str, Kind, Order)>,
}

impl Names {
    pub(crate) fn of(workload: &Workload) -> Self {
        let entry = |entry: &super::list::Entry| (entry.name, entry.kind, entry.order);
        Self {
            id: workload.id,
            title: workload.title,
            entries: workload.entries.iter().map(entry).collect(),
        }
    }
}

/// A table a workload; where single round trips were timed, one for the median and one for the 99th percentile.
pub(crate) fn tables(names: &[Names], samples: &[Vec<Vec<Sample>>]) -> Vec<Table> {
    let mut tables = Vec::new();
    for (names, samples) in names.iter().zip(samples) {
        let table = |id: String, title: String, figure: fn(&Sample) -> Option<f64>| Table {
            id,
            title,
            rows: names
                .entries
                .iter()
                .zip(samples)
                .map(|(&(name, kind, order), samples)| Row {
                    name: name.to_owned(),
                    kind,
                    order,
                    samples: samples.iter().filter_map(figure).collect(),
                })
                .collect(),
        };
        let (id, title) = (names.id.to_owned(), names.title.to_owned());
        if samples.iter().flatten().any(|one| one.p99_ns.is_some()) {
            tables.push(table(
                format!("{id}_p50"),
                format!("{title}, median"),
                |one| Some(one.ns),
            ));
            tables.push(table(
                format!("{id}_p99"),
                format!("{title}, 99th percentile"),
                |one| one.p99_ns,
            ));
        } else {
            tables.push(table(id, title, |one| Some(one.ns)));
        }
    }
    tables
}

/// What the figures depend on.
pub(crate) fn machine(settings: &Settings) -> Vec<(String, String)> {
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
    let cpus: Vec<String> = settings.cpus.iter().map(|cpu| cpu.0.to_string()).collect();
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
const ORDERS: [(&str, Order); 2] = [("one", Order::One), ("each producer", Order::EachProducer)];

impl Report {
    pub(crate) fn to_json(&self) -> Value {
        let row = |row: &Row| {
            json!({
                "name": row.name,
                "kind": KINDS.iter().find(|(_, kind)| *kind == row.kind).map(|(name, _)| name),
                "order": ORDERS.iter().find(|(_, order)| *order == row.order).map(|(name, _)| name),
                "median_ns": row.spread().median,
                "q1_ns": row.spread().q1,
                "q3_ns": row.spread().q3,
                "min_ns": row.spread().min,
                "samples_ns": row.samples,
            })
        };
        let table = |table: &Table| {
            json!({
                "id": table.id,
                "title": table.title,
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

    /// Reads what [`to_json`](Self::to_json) wrote; `None` if it is something else.
    pub(crate) fn from_json(value: &Value) -> Option<Self> {
        let text = |value: &Value| Some(value.as_str()?.to_owned());
        let row = |value: &Value| {
            let samples = value["samples_ns"].as_array()?;
            let samples: Option<Vec<f64>> = samples.iter().map(Value::as_f64).collect();
            Some(Row {
                name: text(&value["name"])?,
                kind: KINDS.iter().find(|(name, _)| value["kind"] == *name)?.1,
                order: ORDERS.iter().find(|(name, _)| value["order"] == *name)?.1,
                samples: samples.filter(|samples| !samples.is_empty())?,
            })
        };
        let table = |value: &Value| {
            Some(Table {
                id: text(&value["id"])?,
                title: text(&value["title"])?,
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
        let row = |name: &str, kind, order, samples: &[f64]| Row {
            name: name.to_owned(),
            kind,
            order,
            samples: samples.to_vec(),
        };
        Report {
            machine: vec![("cpu".to_owned(), "a <small> one".to_owned())],
            rounds: 3,
            tables: vec![Table {
                id: "mpsc_2p".to_owned(),
                title: "2 → 1".to_owned(),
                rows: vec![
                    row("mpsc", Kind::Ours, Order::One, &[10.0, 12.0, 11.0]),
                    row("other", Kind::Rival, Order::One, &[22.0, 20.0, 24.0]),
                    row("split", Kind::Rival, Order::EachProducer, &[5.0, 5.0, 5.0]),
                    row("least", Kind::Floor, Order::One, &[2.0, 2.0, 2.0]),
                    row("slow", Kind::Rival, Order::One, &[900.0, 900.0, 900.0]),
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
        json["tables"][0]["rows"][0]["samples_ns"] = json!([]);
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
