//! A partition map as text, between two processes, and from hands that cannot be trusted.
#![cfg(all(feature = "serde", feature = "std"))]

use std::{
    env,
    io::{self, Write},
    process::{Command, Stdio},
};

use proptest::prelude::*;
use serde_json::{Value, json};
use shared_nothing::partition::{MAP_SLOTS, PartitionMap, SlotTable, hash_bytes};

fn sample_map() -> PartitionMap {
    let mut map = PartitionMap::new(SlotTable::even(5).unwrap(), 0xfedc_ba98_7654_3210);
    map.table_mut().resize(7).unwrap();
    map.table_mut().move_slot(77, 4).unwrap();
    map
}

fn written() -> Value {
    serde_json::to_value(sample_map()).unwrap()
}

/// Why a map is refused.
fn refused(value: &Value) -> String {
    let text = value.to_string();
    serde_json::from_str::<PartitionMap>(&text)
        .expect_err("it is no map")
        .to_string()
}

#[test]
fn a_map_survives_the_way_through_text() {
    let map = sample_map();
    let text = serde_json::to_string(&map).unwrap();
    let theirs: PartitionMap = serde_json::from_str(&text).unwrap();
    assert_eq!(theirs, map, "workers, seed, epoch and every owner");
    assert_eq!(theirs.table().epoch(), map.table().epoch());
    assert_eq!(serde_json::to_string(&theirs).unwrap(), text);
}

/// Where 100,000 keys of several kinds go, as one number.
fn routes(map: &PartitionMap) -> u64 {
    (0..100_000_u64).fold(0, |seen, key| {
        let text = format!("user:{key}");
        let workers = [
            map.worker_of_key(&key),
            map.worker_of_key(&text),
            map.worker_of_key(&("orders", key as i32)),
        ];
        hash_bytes(&workers.map(|worker| worker as u8), seen)
    })
}

/// Set for the other process.
const OTHER: &str = "SHARED_NOTHING_OTHER_PROCESS";
const ANSWER: &str = "the other process routes to ";

/// This test starts itself once more, with the map as text on its standard input.
#[test]
fn h28_two_processes_route_alike() {
    if env::var_os(OTHER).is_some() {
        let map: PartitionMap = serde_json::from_reader(io::stdin().lock()).unwrap();
        println!("\n{ANSWER}{}", routes(&map));
        return;
    }
    let map = sample_map();
    let mut other = Command::new(env::current_exe().unwrap())
        .args(["--exact", "h28_two_processes_route_alike", "--nocapture"])
        .env(OTHER, "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = other.stdin.take().unwrap();
    serde_json::to_writer(&mut stdin, &map).unwrap();
    stdin.flush().unwrap();
    drop(stdin);
    let output = other.wait_with_output().unwrap();
    assert!(output.status.success());
    let output = String::from_utf8(output.stdout).unwrap();
    let theirs = output.lines().find_map(|line| line.strip_prefix(ANSWER));
    assert_eq!(theirs, Some(routes(&map).to_string().as_str()), "{output}");
}

/// What another build, machine or version of this crate must write and do, too.
#[test]
fn h28_a_written_map_matches_the_golden_vector() {
    let map = PartitionMap::new(SlotTable::even(5).unwrap(), 7);
    let text = serde_json::to_string(&map).unwrap();
    let begin = r#"{"format":1,"hash":1,"workers":5,"seed":7,"epoch":0,"owners":[0,0,0,"#;
    assert!(text.starts_with(begin), "{}", &text[..80]);
    assert_eq!(hash_bytes(text.as_bytes(), 0), GOLDEN_TEXT);
    assert_eq!(routes(&map), GOLDEN_ROUTES);
}

/// From an implementation in another language, as the golden vectors of the hashes are.
const GOLDEN_TEXT: u64 = 0xfcf7_972f_2dd6_ba60;
const GOLDEN_ROUTES: u64 = 0xeb9d_614e_b76a_4649;

#[test]
fn unknown_versions_are_refused_by_their_number() {
    let mut later = written();
    later["format"] = json!(2);
    let reason = refused(&later);
    assert!(
        reason.contains("a partition map of format 2 is not known here"),
        "{reason}"
    );
    let mut later = written();
    later["hash"] = json!(9);
    let reason = refused(&later);
    assert!(
        reason.contains("a partition map of hash 9 is not known here"),
        "{reason}"
    );
    // Whatever a later format writes behind its number, the number is the reason.
    let text = r#"{"format":3,"slots":"base64"}"#;
    let reason = serde_json::from_str::<PartitionMap>(text).unwrap_err();
    assert!(reason.to_string().contains("format 3"), "{reason}");
}

#[test]
fn hostile_maps_are_refused_with_a_reason() {
    type Change = fn(&mut Value);
    let cases: &[(&str, Change)] = &[
        ("no worker 7 among 7", |map| {
            map["owners"][16_383] = json!(7)
        }),
        ("no worker 65535 among 7", |map| {
            map["owners"][0] = json!(65_535)
        }),
        ("invalid value: integer `65536`", |map| {
            map["owners"][0] = json!(65_536)
        }),
        ("invalid value: integer `-1`", |map| {
            map["owners"][0] = json!(-1)
        }),
        ("floating point", |map| map["owners"][0] = json!(0.5)),
        ("invalid type: null", |map| map["owners"][9] = Value::Null),
        (
            "invalid length 16383, expected the owners of 16384 map slots",
            |map| {
                map["owners"].as_array_mut().unwrap().pop();
            },
        ),
        (
            "invalid length 16385, expected the owners of 16384 map slots",
            |map| {
                map["owners"].as_array_mut().unwrap().push(json!(0));
            },
        ),
        ("invalid length 0", |map| map["owners"] = json!([])),
        ("expected the owners of 16384 map slots", |map| {
            map["owners"] = json!("0")
        }),
        ("at least one worker", |map| map["workers"] = json!(0)),
        ("4097 workers are more than the limit", |map| {
            map["workers"] = json!(4097)
        }),
        ("no worker", |map| map["workers"] = json!(6)),
        ("invalid value", |map| map["workers"] = json!(u64::MAX)),
        ("invalid value", |map| map["epoch"] = json!(-1)),
        ("invalid type", |map| map["seed"] = json!("7")),
        ("unknown field `weights`", |map| map["weights"] = json!([])),
    ];
    for (expected, change) in cases {
        let mut map = written();
        change(&mut map);
        let reason = refused(&map);
        assert!(reason.contains(expected), "{expected}: {reason}");
    }
    for member in ["format", "hash", "workers", "seed", "epoch", "owners"] {
        let mut map = written();
        map.as_object_mut().unwrap().remove(member);
        let reason = refused(&map);
        assert!(
            reason.contains(&format!("missing field `{member}`")),
            "{reason}"
        );
    }
    let text = written().to_string();
    let twice = text.replacen('{', r#"{"seed":1,"#, 1);
    let reason = serde_json::from_str::<PartitionMap>(&twice).unwrap_err();
    assert!(
        reason.to_string().contains("duplicate field `seed`"),
        "{reason}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Cut anywhere, it is no map; and no text at all takes the reader down.
    #[test]
    fn a_cut_map_is_no_map(at in 0..40_000_usize, noise in ".{0,40}") {
        let text = serde_json::to_string(&sample_map()).unwrap();
        let at = at % text.len();
        prop_assert!(serde_json::from_str::<PartitionMap>(&text[..at]).is_err());
        let spoilt = format!("{}{noise}", &text[..at]);
        let _ = serde_json::from_str::<PartitionMap>(&spoilt);
    }
}

#[test]
fn members_may_come_in_any_order() {
    let map = sample_map();
    let owners = serde_json::to_string(&map.table().owners()[..]).unwrap();
    let text = format!(
        r#"{{"owners":{owners},"epoch":{},"seed":{},"workers":7,"hash":1,"format":1}}"#,
        map.table().epoch(),
        map.seed()
    );
    assert_eq!(serde_json::from_str::<PartitionMap>(&text).unwrap(), map);
    assert_eq!(map.table().owners().len(), MAP_SLOTS);
}
