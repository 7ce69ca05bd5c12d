//! Programs as LLVM compiles them for machines whose memory is weakly ordered.
//!
//! Where LLVM may choose (by the features of the target), the weaker form is taken: `ldapr` rather than `ldar`, and pairs
//! of exclusive accesses rather than one instruction on AArch64. No address depends on a value that was loaded, so
//! that no order comes from there. A pair that fails ends its thread, and the outcome asks that none did.

use super::program::{Change, Order, Program, Step};

/// What differs between machines. A register is named by its number, a place by the register with its address.
pub(crate) trait Machine {
    const ARCH: &'static str;
    const MODEL: &'static str;
    fn register(number: usize) -> String;
    fn set(register: &str, value: i64) -> String;
    fn load(to: &str, address: &str, order: Order, label: &str) -> Vec<String>;
    fn store(value: &str, address: &str, order: Order) -> Vec<String>;
    fn fence() -> String;
    fn branch_unless(register: &str, is: i64, scratch: &str, label: &str) -> Vec<String>;
    /// Jumps to `fail` when the exchange does not happen.
    fn modify(found: &str, address: &str, change: Change, order: Order, fail: &str) -> Vec<String>;
}

pub(crate) struct AArch64;
pub(crate) struct Power;
pub(crate) struct RiscV;

/// Registers by their numbers: addresses from 5 on, locals from 10 on. `DONE` is 1 in a thread that came to its end.
const ADDRESSES: usize = 5;
const LOCALS: usize = 10;
const SCRATCH: usize = 20;
const OTHER: usize = 21;
const DONE: usize = 28;

/// Instructions, written with `;` between them; empty ones are left out.
fn lines(text: &str) -> Vec<String> {
    let lines = text.split(';').map(str::trim);
    lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

impl Machine for AArch64 {
    const ARCH: &'static str = "AArch64";
    const MODEL: &'static str = "aarch64.cat";

    fn register(number: usize) -> String {
        format!("X{number}")
    }

    fn set(register: &str, value: i64) -> String {
        format!("MOV {},#{value}", w(register))
    }

    fn load(to: &str, address: &str, order: Order, _: &str) -> Vec<String> {
        let load = if order.acquire { "LDAPR" } else { "LDR" };
        vec![format!("{load} {},[{address}]", w(to))]
    }

    fn store(value: &str, address: &str, order: Order) -> Vec<String> {
        let store = if order.release { "STLR" } else { "STR" };
        vec![format!("{store} {},[{address}]", w(value))]
    }

    fn fence() -> String {
        "DMB ISH".to_owned()
    }

    fn branch_unless(register: &str, is: i64, _: &str, label: &str) -> Vec<String> {
        lines(&format!("CMP {},#{is}; B.NE {label}", w(register)))
    }

    fn modify(found: &str, address: &str, change: Change, order: Order, fail: &str) -> Vec<String> {
        let (load, store) = (
            if order.acquire { "LDAXR" } else { "LDXR" },
            if order.release { "STLXR" } else { "STXR" },
        );
        let (found, new, failed) = (
            w(found),
            w(&Self::register(SCRATCH)),
            w(&Self::register(OTHER)),
        );
        let change = match change {
            Change::Add(value) if value < 0 => format!("SUB {new},{found},#{}", -value),
            Change::Add(value) => format!("ADD {new},{found},#{value}"),
            Change::Or(value) => format!("ORR {new},{found},#{value}"),
            Change::And(value) => format!("AND {new},{found},#{value}"),
            Change::Set(to) => format!("MOV {new},#{to}"),
            Change::SetIf { from, to } => {
                format!("CMP {found},#{from}; B.NE {fail}; MOV {new},#{to}")
            }
        };
        let store = format!("{store} {failed},{new},[{address}]; CBNZ {failed},{fail}");
        lines(&format!("{load} {found},[{address}]; {change}; {store}"))
    }
}

/// The lower half of a register.
fn w(register: &str) -> String {
    register.replace('X', "W")
}

impl Machine for Power {
    const ARCH: &'static str = "PPC";
    const MODEL: &'static str = "ppc.cat";

    fn register(number: usize) -> String {
        format!("r{number}")
    }

    fn set(register: &str, value: i64) -> String {
        format!("li {register},{value}")
    }

    fn load(to: &str, address: &str, order: Order, label: &str) -> Vec<String> {
        let mut code = vec![format!("lwz {to},0({address})")];
        if order.acquire {
            code.extend(lines(&format!(
                "cmpw {to},{to}; bne {label}; {label}:; isync"
            )));
        }
        code
    }

    fn store(value: &str, address: &str, order: Order) -> Vec<String> {
        let fence = if order.release { "lwsync" } else { "" };
        lines(&format!("{fence}; stw {value},0({address})"))
    }

    fn fence() -> String {
        "sync".to_owned()
    }

    fn branch_unless(register: &str, is: i64, _: &str, label: &str) -> Vec<String> {
        lines(&format!("cmpwi {register},{is}; bne {label}"))
    }

    fn modify(found: &str, address: &str, change: Change, order: Order, fail: &str) -> Vec<String> {
        let fence = |is: bool| if is { "lwsync" } else { "" };
        let (mut before, after) = (fence(order.release), fence(order.acquire));
        let (new, other) = (Self::register(SCRATCH), Self::register(OTHER));
        let change = match change {
            Change::Add(value) => format!("addi {new},{found},{value}"),
            Change::Or(value) => format!("ori {new},{found},{value}"),
            Change::And(value) => format!("li {other},{value}; and {new},{found},{other}"),
            Change::Set(to) => format!("li {new},{to}"),
            Change::SetIf { from, to } => {
                // A fence that only a success needs stands behind the comparison.
                let fence = core::mem::take(&mut before);
                format!("cmpwi {found},{from}; bne {fail}; {fence}; li {new},{to}")
            }
        };
        let load = format!("{before}; lwarx {found},r0,{address}");
        let store = format!("stwcx. {new},r0,{address}; bne {fail}");
        lines(&format!("{load}; {change}; {store}; {after}"))
    }
}

impl Machine for RiscV {
    const ARCH: &'static str = "RISCV";
    const MODEL: &'static str = "riscv.cat";

    fn register(number: usize) -> String {
        format!("x{number}")
    }

    fn set(register: &str, value: i64) -> String {
        format!("addi {register},x0,{value}")
    }

    fn load(to: &str, address: &str, order: Order, _: &str) -> Vec<String> {
        let fence = if order.acquire { "fence r,rw" } else { "" };
        lines(&format!("lw {to},0({address}); {fence}"))
    }

    fn store(value: &str, address: &str, order: Order) -> Vec<String> {
        let fence = if order.release { "fence rw,w" } else { "" };
        lines(&format!("{fence}; sw {value},0({address})"))
    }

    fn fence() -> String {
        "fence rw,rw".to_owned()
    }

    fn branch_unless(register: &str, is: i64, scratch: &str, label: &str) -> Vec<String> {
        let set = Self::set(scratch, is);
        lines(&format!("{set}; bne {register},{scratch},{label}"))
    }

    fn modify(found: &str, address: &str, change: Change, order: Order, fail: &str) -> Vec<String> {
        let suffix = |acquire: bool, release: bool| match (acquire, release) {
            (true, true) => ".aq.rl",
            (true, false) => ".aq",
            (false, true) => ".rl",
            (false, false) => "",
        };
        let (new, other) = (Self::register(SCRATCH), Self::register(OTHER));
        let (name, value) = match change {
            Change::Add(value) => ("amoadd", value),
            Change::Or(value) => ("amoor", value),
            Change::And(value) => ("amoand", value),
            Change::Set(to) => ("amoswap", to),
            Change::SetIf { from, to } => {
                let load = format!("lr.w{} {found},({address})", suffix(order.acquire, false));
                let test = Self::branch_unless(found, from, &other, fail).join(";");
                let set = Self::set(&new, to);
                let store = suffix(false, order.release);
                let store = format!("sc.w{store} {other},{new},({address}); bne {other},x0,{fail}");
                return lines(&format!("{load}; {test}; {set}; {store}"));
            }
        };
        let orders = suffix(order.acquire, order.release);
        let set = Self::set(&new, value);
        lines(&format!(
            "{set}; {name}.w{orders} {found},{new},({address})"
        ))
    }
}

/// One thread being written down.
struct Thread<'p> {
    program: &'p Program,
    number: usize,
    code: Vec<String>,
    ends: Vec<String>,
    labels: usize,
}

impl Thread<'_> {
    fn label(&mut self) -> String {
        self.labels += 1;
        format!("L{}{}", self.number, self.labels)
    }

    fn address<M: Machine>(&self, place: &str) -> String {
        let places = &self.program.places;
        let at = places.iter().position(|(name, _)| name == place);
        M::register(ADDRESSES + at.expect("a place with a first value"))
    }

    fn step<M: Machine>(&mut self, step: &Step) {
        let scratch = M::register(SCRATCH);
        let code = match step {
            Step::Load { to, from, order } => {
                let label = self.label();
                M::load(&local::<M>(to), &self.address::<M>(from), *order, &label)
            }
            Step::Store { to, value, order } => {
                let mut code = M::store(&scratch, &self.address::<M>(to), *order);
                code.insert(0, M::set(&scratch, *value));
                code
            }
            Step::Modify {
                found,
                place,
                change,
                order,
            } => {
                let (found, place) = (local::<M>(found), self.address::<M>(place));
                let fail = format!("Fail{}", self.number);
                let mut code = M::modify(&found, &place, *change, *order, &fail);
                if let Change::SetIf { .. } = change {
                    code.push(M::set(&found, 1));
                }
                code
            }
            Step::Fence => vec![M::fence()],
            Step::If { local: name, is } => {
                let label = self.label();
                let code = M::branch_unless(&local::<M>(name), *is, &scratch, &label);
                self.ends.push(label);
                code
            }
            Step::EndIf => {
                let label = self.ends.pop();
                vec![format!("{}:", label.expect("an `if` is open"))]
            }
        };
        self.code.extend(code);
    }
}

/// The register of the local `rN`.
fn local<M: Machine>(name: &str) -> String {
    let number: usize = name[1..].parse().expect("locals are r0, r1, ...");
    M::register(LOCALS + number)
}

/// The outcome with registers for locals, and all threads at their ends.
fn exists<M: Machine>(program: &Program) -> String {
    let mut exists = String::new();
    let mut rest = program.exists.as_str();
    while let Some((before, after)) = rest.split_once(":r") {
        let (number, after) = after.split_at(1);
        exists += &format!("{before}:{}", local::<M>(&format!("r{number}")));
        rest = after;
    }
    let done =
        (0..program.threads.len()).map(|thread| format!(" /\\ {thread}:{}=1", M::register(DONE)));
    format!("({exists}{rest}){}", done.collect::<String>())
}

/// The program for a machine, in herd7's form: a column for each thread.
pub(crate) fn compile<M: Machine>(program: &Program) -> String {
    let threads: Vec<Vec<String>> = (0..program.threads.len())
        .map(|number| {
            let mut thread = Thread {
                program,
                number,
                code: Vec::new(),
                ends: Vec::new(),
                labels: 0,
            };
            for step in &program.threads[number] {
                thread.step::<M>(step);
            }
            thread.code.push(M::set(&M::register(DONE), 1));
            thread.code.push(format!("Fail{number}:"));
            thread.code
        })
        .collect();
    let mut text = format!("{} {}\n{{\n", M::ARCH, program.name);
    for (at, (place, value)) in program.places.iter().enumerate() {
        text += &format!("{place}={value};");
        for thread in 0..threads.len() {
            text += &format!(" {thread}:{}={place};", M::register(ADDRESSES + at));
        }
        text += "\n";
    }
    let heads: Vec<String> = (0..threads.len())
        .map(|thread| format!("P{thread}"))
        .collect();
    text += &format!("}}\n {} ;\n", heads.join(" | "));
    let rows = threads.iter().map(Vec::len).max().unwrap_or(0);
    for row in 0..rows {
        let cells = threads
            .iter()
            .map(|code| code.get(row).map_or("", String::as_str));
        text += &format!(" {} ;\n", cells.collect::<Vec<_>>().join(" | "));
    }
    text + &format!("exists ({})\n", exists::<M>(program))
}
