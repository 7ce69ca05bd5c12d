//! The program: what is read, measured and shown, in order.

use std::ffi::OsString;
use std::fs;
use std::io::{ErrorKind, Write, stderr, stdout};
use std::process::ExitCode;

use shared_nothing::affinity::{CpuSet, Machine, usable_cpus};

use crate::args::{HELP, Options};
use crate::matrix::Matrix;
use crate::{heat, measure, report, tree};

const FAILED: u8 = 1;
const USAGE: u8 = 2;

/// The whole program.
pub(crate) fn main(args: impl Iterator<Item = OsString>) -> ExitCode {
    let options = match Options::parse(args) {
        Ok(options) => options,
        Err(wrong) => return error(&format_args!("{wrong}; --help lists the options"), USAGE),
    };
    if options.help {
        return print(HELP, ExitCode::SUCCESS);
    }

    // 1. The machine, and what of it is ours.
    let machine = match Machine::read() {
        Ok(machine) => machine,
        Err(wrong) => return error(&wrong, FAILED),
    };
    let cpus = match chosen(&options, &machine) {
        Ok(cpus) => cpus,
        Err(wrong) => return error(&wrong, USAGE),
    };

    // 2. The round trips.
    let matrix = options.matrix.then(|| {
        let pairs = cpus.len() * (cpus.len() - 1) / 2;
        let plural = if pairs == 1 { "" } else { "s" };
        let _ = writeln!(stderr(), "measuring {pairs} pair{plural} of CPUs");
        Matrix::fill(&machine.topology, &cpus, |from, to| {
            measure::round_trip(from, to, options.trips)
        })
    });
    let failed: usize = matrix
        .iter()
        .flat_map(|matrix| matrix.failures().into_values())
        .sum();
    let mut status = ExitCode::SUCCESS;
    if failed > 0 {
        status = error(
            &format_args!("{failed} pairs could not be measured"),
            FAILED,
        );
    }

    // 3. The picture.
    if let (Some(path), Some(matrix)) = (&options.svg, &matrix) {
        let picture = heat::draw(matrix);
        if options.is_svg_alone() {
            return print(&picture, status);
        }
        if let Err(wrong) = fs::write(path, picture) {
            status = error(&format_args!("{}: {wrong}", path.display()), FAILED);
        }
    }

    // 4. The report.
    if options.json {
        return print(&report::json(&machine, matrix.as_ref()), status);
    }
    let mut text = tree::draw(&machine.topology, &machine.budget.cpus);
    if !machine.is_topology_known {
        text += "/sys does not tell how these CPUs are connected\n";
    }
    text += &format!(
        "\nbudget: {} (CPUs {})\n",
        machine.budget, machine.budget.cpus
    );
    if let Some(matrix) = &matrix {
        text += &format!("\n{}", matrix.text());
    }
    print(&text, status)
}

/// The CPUs to measure between: those asked for, or all of the budget.
fn chosen(options: &Options, machine: &Machine) -> Result<CpuSet, String> {
    let Some(cpus) = &options.cpus else {
        return Ok(machine.budget.cpus.clone());
    };
    let usable = usable_cpus().map_err(|wrong| wrong.to_string())?;
    if cpus.is_subset(&usable) {
        return Ok(cpus.clone());
    }
    let refused = cpus - &usable;
    Err(format!(
        "cannot use CPUs {refused}: this process may use {usable} only"
    ))
}

fn error(text: &dyn std::fmt::Display, status: u8) -> ExitCode {
    let _ = writeln!(stderr(), "topology: {text}");
    ExitCode::from(status)
}

/// Writes to standard output and returns `status`. A reader that went away (`| head`) has read enough: no error.
fn print(text: &str, status: ExitCode) -> ExitCode {
    let mut out = stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(wrong) if wrong.kind() != ErrorKind::BrokenPipe => {
            error(&format_args!("cannot write the report: {wrong}"), FAILED)
        }
        _ => status,
    }
}
