//! Who runs in which row.

use super::{peer::Peer, peers, row::Row};

/// The rows, in the order of the report, with their peers.
pub(crate) type Chosen = Vec<(Row, Vec<&'static dyn Peer>)>;

pub(crate) fn peer(name: &str) -> Option<&'static dyn Peer> {
    peers::all().into_iter().find(|peer| peer.name() == name)
}

/// What `rows` and `peers` leave; nothing named is all.
///
/// # Errors
///
/// A name is none, or nothing is left.
pub(crate) fn chosen(rows: &[String], peers: &[String]) -> Result<Chosen, String> {
    let row_names: Vec<&str> = Row::ALL.iter().map(|row| row.name()).collect();
    let all = peers::all();
    let peer_names: Vec<&str> = all.iter().map(|peer| peer.name()).collect();
    let rows = meant(rows, &row_names)?;
    let peers = meant(peers, &peer_names)?;
    let mut chosen: Chosen = Row::ALL.into_iter().map(|row| (row, Vec::new())).collect();
    for (row, able) in &mut chosen {
        let can = |peer: &&&dyn Peer| peers.contains(&peer.name()) && peer.rows().contains(row);
        able.extend(all.iter().filter(can));
    }
    chosen.retain(|(row, able)| rows.contains(&row.name()) && !able.is_empty());
    if chosen.is_empty() {
        return Err("nothing is left to measure; see --list".to_owned());
    }
    Ok(chosen)
}

/// Each text is a name, or else how names begin.
fn meant<'n>(texts: &[String], names: &[&'n str]) -> Result<Vec<&'n str>, String> {
    if texts.is_empty() {
        return Ok(names.to_vec());
    }
    let mut meant = Vec::new();
    for text in texts {
        let before = meant.len();
        match names.iter().find(|name| *name == text) {
            Some(name) => meant.push(*name),
            None => meant.extend(names.iter().filter(|name| name.starts_with(text.as_str()))),
        }
        if meant.len() == before {
            return Err(format!("no name is or begins with {text}; see --list"));
        }
    }
    Ok(meant)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_name_is_meant_before_a_beginning() {
        let names = ["tell", "tell_batch64", "wake"];
        let meant = |text: &str| super::meant(&[text.to_owned()], &names);
        assert_eq!(meant("tell"), Ok(vec!["tell"]));
        assert_eq!(meant("tel"), Ok(vec!["tell", "tell_batch64"]));
        assert!(meant("no").is_err());
    }

    #[test]
    fn names_are_not_used_twice_and_every_row_has_ours_and_a_rival() {
        let mut names: Vec<&str> = peers::all().iter().map(|peer| peer.name()).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count);
        for (row, peers) in chosen(&[], &[]).expect("there are some") {
            use comparison::report::Kind;
            for kind in [Kind::Ours, Kind::Rival] {
                let has = peers.iter().any(|peer| peer.kind() == kind);
                assert!(has, "{} lacks {kind:?}", row.name());
            }
        }
    }
}
