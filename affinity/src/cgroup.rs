//! What the control groups of this process allow: cgroups(7), `Documentation/admin-guide/cgroup-v2.rst` and
//! `cgroup-v1/` in the kernel's sources.
//!
//! 1. `/proc/self/cgroup` names the process's own group, one line a hierarchy.
//! 2. `/proc/self/mountinfo` says where that hierarchy is mounted, and from which group downward.
//! 3. Every group from our own up to the mount may set a quota; the least one holds.
//! 4. The nearest group with a cpuset has the effective one.
//!
//! Any of these files may be absent or garbage; then that part limits nothing.

#![forbid(unsafe_code)]

use core::cmp::Ordering;

use crate::cpuset::CpuSet;
use crate::files::Files;

/// CPU time that a group may use in each period.
///
/// ```
/// use shared_nothing_affinity::Quota;
///
/// let quota = Quota::parse_v2("150000 100000\n").expect("one and a half CPUs");
/// assert_eq!((quota.cpus(), quota.whole_cpus()), (1.5, 1));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Quota {
    quota_us: u64,
    period_us: u64,
}

impl Quota {
    /// Reads `cpu.max` of version 2, `150000 100000`. `None` for `max`, which is no limit, and for garbage.
    #[must_use]
    pub fn parse_v2(text: &str) -> Option<Self> {
        let (quota, period) = text.trim().split_once(' ')?;
        Self::parse_v1(quota, period)
    }

    /// Reads `cpu.cfs_quota_us` and `cpu.cfs_period_us` of version 1. `None` for -1, which is no limit, and for
    /// garbage.
    #[must_use]
    pub fn parse_v1(quota: &str, period: &str) -> Option<Self> {
        let quota_us = quota.trim().parse().ok().filter(|&us| us > 0)?;
        let period_us = period.trim().parse().ok().filter(|&us| us > 0)?;
        Some(Self {
            quota_us,
            period_us,
        })
    }

    /// How many CPUs' worth of time this is, perhaps with a fraction.
    #[must_use]
    pub fn cpus(&self) -> f64 {
        self.quota_us as f64 / self.period_us as f64
    }

    /// The same rounded down, and never 0: how many busy threads it feeds.
    ///
    /// Where more spin than that, all of them stand still together at the end of each period.
    #[must_use]
    pub fn whole_cpus(&self) -> usize {
        usize::try_from(self.quota_us / self.period_us)
            .unwrap_or(usize::MAX)
            .max(1)
    }
}

/// By the ratio, exactly: 1/2 equals 2/4.
impl Ord for Quota {
    fn cmp(&self, other: &Self) -> Ordering {
        let product = |quota: u64, period: u64| u128::from(quota) * u128::from(period);
        product(self.quota_us, other.period_us).cmp(&product(other.quota_us, self.period_us))
    }
}

impl PartialOrd for Quota {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Quota {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Quota {}

/// The limits of all hierarchies together.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Limits {
    pub(crate) cpuset: Option<CpuSet>,
    pub(crate) quota: Option<Quota>,
}

pub(crate) fn read_limits(files: Files<'_>) -> Limits {
    let memberships = files("/proc/self/cgroup").unwrap_or_default();
    let mountinfo = files("/proc/self/mountinfo").unwrap_or_default();
    let mounts: Vec<Mount> = mountinfo.lines().filter_map(Mount::parse).collect();
    let mut limits = Limits::default();
    for (controllers, path) in memberships.lines().filter_map(parse_membership) {
        if controllers.is_empty() {
            let groups = groups(&mounts, path, |mount| mount.kind == "cgroup2");
            limits.add_quota(&groups, |group| {
                Quota::parse_v2(&files(&format!("{group}/cpu.max"))?)
            });
            limits.add_cpuset(files, &groups, &["cpuset.cpus.effective"]);
            continue;
        }
        for controller in controllers.split(',') {
            let groups = groups(&mounts, path, |mount| mount.has_v1(controller));
            match controller {
                "cpu" => limits.add_quota(&groups, |group| {
                    let quota = files(&format!("{group}/cpu.cfs_quota_us"))?;
                    Quota::parse_v1(&quota, &files(&format!("{group}/cpu.cfs_period_us"))?)
                }),
                "cpuset" => {
                    limits.add_cpuset(files, &groups, &["cpuset.effective_cpus", "cpuset.cpus"])
                }
                _ => {}
            }
        }
    }
    limits
}

impl Limits {
    fn add_quota(&mut self, groups: &[String], read: impl Fn(&str) -> Option<Quota>) {
        let quotas = groups.iter().filter_map(|group| read(group));
        self.quota = quotas.chain(self.quota).min();
    }

    fn add_cpuset(&mut self, files: Files<'_>, groups: &[String], names: &[&str]) {
        let paths = groups
            .iter()
            .flat_map(|group| names.iter().map(move |name| format!("{group}/{name}")));
        let mut sets = paths.filter_map(|path| CpuSet::parse_list(&files(&path)?).ok());
        if let Some(nearest) = sets.find(|cpus| !cpus.is_empty()) {
            self.cpuset = Some(
                self.cpuset
                    .take()
                    .map_or(nearest.clone(), |cpus| &cpus & &nearest),
            );
        }
    }
}

/// `4:cpu,cpuacct:/a/b` as (`cpu,cpuacct`, `/a/b`). Version 2 names no controller.
fn parse_membership(line: &str) -> Option<(&str, &str)> {
    let mut fields = line.splitn(3, ':');
    fields.next()?.parse::<u32>().ok()?;
    Some((fields.next()?, fields.next()?))
}

/// A line of mountinfo, as proc_pid_mountinfo(5) describes it.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    root: String,
    point: String,
    kind: String,
    options: String,
}

impl Mount {
    fn parse(line: &str) -> Option<Self> {
        // The fields before the dash vary in number.
        let (place, system) = line.split_once(" - ")?;
        let mut place = place.split(' ').skip(3);
        let (root, point) = (place.next()?, place.next()?);
        let mut system = system.split(' ');
        let kind = system.next().filter(|kind| kind.starts_with("cgroup"))?;
        let options = system.nth(1)?;
        Some(Self {
            root: unescape(root),
            point: unescape(point),
            kind: kind.to_owned(),
            options: options.to_owned(),
        })
    }

    fn has_v1(&self, controller: &str) -> bool {
        self.kind == "cgroup" && self.options.split(',').any(|option| option == controller)
    }
}

/// Blank, tab, newline and backslash are written as `\040` and so on.
fn unescape(field: &str) -> String {
    [
        ("\\040", " "),
        ("\\011", "\t"),
        ("\\012", "\n"),
        ("\\134", "\\"),
    ]
    .iter()
    .fold(field.to_owned(), |field, (code, plain)| {
        field.replace(code, plain)
    })
}

/// Directories of the group `path` and of its ancestors, innermost first, as far as a mount shows them.
///
/// Where our own group cannot be seen from any mount, the mount's top is the nearest ancestor that can.
fn groups(mounts: &[Mount], path: &str, is_ours: impl Fn(&Mount) -> bool) -> Vec<String> {
    let ours = || mounts.iter().filter(|mount| is_ours(mount));
    let seen = ours().find_map(|mount| Some((mount, below(&mount.root, path)?)));
    let Some((mount, inner)) = seen.or(ours().next().map(|mount| (mount, ""))) else {
        return Vec::new();
    };
    let point = mount.point.trim_end_matches('/');
    let ends = inner
        .match_indices('/')
        .map(|(end, _)| end)
        .chain([inner.len()]);
    let mut groups: Vec<String> = ends
        .map(|end| format!("{point}{}", &inner[..end]))
        .collect();
    groups.reverse();
    groups.dedup();
    groups
}

/// What is left of `path` below `root`: empty, or beginning with a slash. `None` if it is not below.
fn below<'a>(root: &str, path: &'a str) -> Option<&'a str> {
    // PATH_MAX; and a group outside our namespace is shown with dots.
    if path.len() > 4096 || path.split('/').any(|name| name == "..") {
        return None;
    }
    let inner = path
        .strip_prefix(root.trim_end_matches('/'))?
        .trim_end_matches('/');
    (inner.is_empty() || inner.starts_with('/')).then_some(inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mount(line: &str) -> Mount {
        Mount::parse(line).unwrap()
    }

    #[test]
    fn quotas_refuse_what_is_no_limit() {
        for text in [
            "max 100000",
            "max",
            "",
            "0 100000",
            "100000 0",
            "-1 100000",
            "1e5 100000",
            "150000",
        ] {
            assert!(Quota::parse_v2(text).is_none(), "{text:?}");
        }
        assert!(Quota::parse_v1("-1\n", "100000\n").is_none());
        assert_eq!(
            Quota::parse_v1("50000\n", "100000\n"),
            Quota::parse_v2("10000 20000")
        );
    }

    #[test]
    fn quotas_compare_by_ratio_and_round_down_to_one_at_least() {
        let quota = |text| Quota::parse_v2(text).unwrap();
        assert!(quota("300000 100000") < quota("40000 10000"));
        assert!(quota("18446744073709551615 1") > quota("18446744073709551614 1"));
        assert_eq!(quota("10000 100000").whole_cpus(), 1);
        assert_eq!(quota("399999 100000").whole_cpus(), 3);
    }

    #[test]
    fn mount_lines_have_optional_fields_and_escapes() {
        let line = "36 25 0:31 /a\\040b /sys/fs/cgroup rw,nosuid shared:9 master:1 - cgroup2 cgroup2 rw,nsdelegate";
        let mount = mount(line);
        assert_eq!(
            (mount.root.as_str(), mount.point.as_str()),
            ("/a b", "/sys/fs/cgroup")
        );
        for line in [
            "",
            "1 2 3 / /x rw - ext4 /dev/sda rw",
            "1 2 3 / - cgroup",
            "no dash cgroup2",
        ] {
            assert_eq!(Mount::parse(line), None, "{line:?}");
        }
    }

    #[test]
    fn groups_are_listed_from_our_own_to_the_mount() {
        let whole = [mount("1 2 3 / /cg rw - cgroup2 none rw")];
        let all = |path| groups(&whole, path, |_| true);
        assert_eq!(all("/a/b"), ["/cg/a/b", "/cg/a", "/cg"]);
        assert_eq!(all("/"), ["/cg"]);
        assert_eq!(all("/../other"), ["/cg"], "outside our namespace");

        let inner = [mount("1 2 3 /docker/x /cg rw - cgroup2 none rw")];
        assert_eq!(groups(&inner, "/docker/x/y", |_| true), ["/cg/y", "/cg"]);
        assert_eq!(
            groups(&inner, "/docker/xyz", |_| true),
            ["/cg"],
            "a name that only begins alike"
        );
        assert_eq!(groups(&[], "/a", |_| true), [""; 0]);
    }

    #[test]
    fn the_mount_that_shows_our_group_is_preferred() {
        let two = [
            mount("1 2 3 /elsewhere /one rw - cgroup2 none rw"),
            mount("1 2 3 / /two rw - cgroup2 none rw"),
        ];
        assert_eq!(groups(&two, "/a", |_| true), ["/two/a", "/two"]);
    }

    #[test]
    fn memberships_keep_colons_of_the_path() {
        assert_eq!(parse_membership("0::/a:b"), Some(("", "/a:b")));
        assert_eq!(
            parse_membership("4:cpu,cpuacct:/"),
            Some(("cpu,cpuacct", "/"))
        );
        for line in ["", "x", "x::/", "0:"] {
            assert_eq!(parse_membership(line), None, "{line:?}");
        }
    }
}
