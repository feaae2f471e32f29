//! What vouches for a run beside its own checksums: the anchors in its records and in the commits that it landed, and the target.
//!
//! Checksums tell accidents. Only what is outside the journal, or was copied out of it, tells a journal that was
//! written anew.

use std::collections::{BTreeMap, BTreeSet};

use swarm_domain::Event;
use swarm_journal::{AnchorHasher, Item};

use super::Context;
use super::exit::Failure;
use crate::git::{CommitInfo, Repo};
use crate::runs::{History, RunFolder};

/// How many digits of a commit a message shows.
const SHORT: usize = 12;

/// What a comparison came to.
#[derive(Default)]
pub(super) struct Proof {
    /// What does not agree, in words.
    pub(super) faults: Vec<String>,
    /// How many recorded merges are in the target; none if there is no target to look into.
    pub(super) commits: Option<usize>,
    /// How many anchors are from behind lost records: what they stand for is gone.
    pub(super) incomparable: usize,
}

/// Compares a run with its own anchors, and with the target if this is the run's repository.
pub(super) fn check(context: &Context, folder: &RunFolder, history: &History) -> Result<Proof, Failure> {
    let landed = match context.repo() {
        Ok(repo) if folder.dir.starts_with(repo.common_dir()) => landed(&repo, history)?,
        _ => None,
    };
    let own = recorded(history);
    let stamps: Vec<Stamp> = landed
        .iter()
        .flat_map(|landed| landed.commits.iter().flat_map(|commit| stamps(commit, &landed.run)))
        .collect();
    let named = own.iter().map(|anchor| anchor.named).chain(stamps.iter().filter_map(|stamp| stamp.seq));
    // An anchor is durable before a commit has it, so this finds also what a live run landed after it was read.
    let mut anchors = Anchors::wanted(named);
    swarm_journal::replay(&folder.journal(), &mut |item| anchors.take(&item))?;
    let mut faults: Vec<String> = own.iter().filter_map(|anchor| anchor.fault(&anchors)).collect();
    faults.extend(stamps.iter().filter_map(|stamp| stamp.fault(&anchors)));
    let commits = landed.map(|landed| merged(history, &landed, &mut faults));
    Ok(Proof { faults, commits, incomparable: anchors.behind_gaps() })
}

/// The result of looking into the target, for people.
pub(super) fn commits_line(commits: usize) -> String {
    let are = if commits == 1 { "commit is" } else { "commits are" };
    format!("{commits} {are} in the target as recorded")
}

/// The hash of all records up to each of those that are named somewhere.
struct Anchors {
    wanted: BTreeSet<u64>,
    hasher: AnchorHasher,
    known: BTreeMap<u64, String>,
    /// The first record that is lost.
    gap: Option<u64>,
    /// The epoch of the first record. Of a repaired journal it is that of the repair.
    epoch: u64,
    /// The last record of that epoch: what comes behind it was written after the repair, with the hole in its hash.
    carried: u64,
}

impl Anchors {
    fn wanted(seqs: impl Iterator<Item = u64>) -> Self {
        let (wanted, mut hasher) = (seqs.collect(), AnchorHasher::new());
        let known = BTreeMap::from([(0, hasher.anchor().hash_hex())]);
        Self { wanted, hasher, known, gap: None, epoch: 0, carried: 0 }
    }

    fn take(&mut self, item: &Item<'_>) {
        self.hasher.feed(item);
        if let Item::Record(record) = item
            && self.epoch == 0
        {
            self.epoch = record.epoch;
        }
        if !matches!(item, Item::Record(record) if record.epoch != self.epoch) {
            self.carried = item.seq();
        }
        match item {
            Item::Record(record) if self.wanted.contains(&record.seq) => {
                self.known.insert(record.seq, self.hasher.anchor().hash_hex());
            }
            Item::Record(_) => {}
            Item::Gap(gap) => self.gap = self.gap.or(Some(gap.from_seq)),
        }
    }

    /// Whether these records have this hash. Of what is lost or behind it nobody can say any more.
    fn fits(&self, seq: u64, hash_hex: &str) -> bool {
        let lost = self.gap.is_some_and(|gap| (gap..=self.carried).contains(&seq));
        lost || self.known.get(&seq).is_some_and(|known| known == hash_hex)
    }

    fn behind_gaps(&self) -> usize {
        self.gap.map_or(0, |gap| self.wanted.range(gap..=self.carried.max(gap)).count())
    }
}

/// What a record says of the records before it.
struct Own {
    seq: u64,
    named: u64,
    hash: String,
}

/// Each merge names the hash of all records before it; they are computed again from the records.
fn recorded(history: &History) -> Vec<Own> {
    let anchors = history.events.iter().filter_map(|recorded| match &recorded.event {
        Event::MergePrepared(event) => {
            Some(Own { seq: recorded.seq, named: event.anchor_seq, hash: event.anchor_hash.clone() })
        }
        _ => None,
    });
    anchors.collect()
}

impl Own {
    fn fault(&self, anchors: &Anchors) -> Option<String> {
        let fits = anchors.fits(self.named, &self.hash);
        (!fits).then(|| format!("record {}: its anchor does not fit the records before it", self.seq))
    }
}

/// The commits that the target has and the run's base has not.
struct Landed {
    run: String,
    target: String,
    commits: Vec<CommitInfo>,
}

/// None if the target is gone, as after `clean`.
fn landed(repo: &Repo, history: &History) -> Result<Option<Landed>, Failure> {
    let Some(parts) = history.state.parts() else { return Ok(None) };
    let settings = &parts.run.settings;
    let target = format!("refs/heads/{}", settings.target);
    let Some(head) = repo.ref_value(&target)? else { return Ok(None) };
    let base = settings.base.as_str();
    // A base that git has removed, as after the history was rewritten, leaves nothing out.
    let range = if repo.commit_exists(base) { format!("{base}..{head}") } else { head };
    let commits = repo.log_trailers(&range)?;
    Ok(Some(Landed { run: parts.run.id.clone(), target, commits }))
}

/// What a commit says of the journal at its merge.
struct Stamp {
    commit: String,
    /// None if the trailer is missing, or is none of this run's.
    seq: Option<u64>,
    hash: String,
}

/// The stamps of a commit: one, unless its message was tampered with; nothing if another run or a person made it.
fn stamps(commit: &CommitInfo, run: &str) -> Vec<Stamp> {
    let values = |name: &'static str| {
        commit.trailers.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    };
    if !values("Swarm-Run").any(|value| value == run) {
        return Vec::new();
    }
    let short = commit.oid.get(..SHORT).unwrap_or(&commit.oid);
    let stamp = |anchor: Option<(u64, &str)>| Stamp {
        commit: short.to_owned(),
        seq: anchor.map(|(seq, _)| seq),
        hash: anchor.map(|(_, hash)| hash.to_owned()).unwrap_or_default(),
    };
    let found: Vec<Stamp> = values("Swarm-Journal").map(|value| stamp(parse(value, run))).collect();
    if found.is_empty() { vec![stamp(None)] } else { found }
}

/// `<run>:<seq>:<hash>`
fn parse<'a>(trailer: &'a str, run: &str) -> Option<(u64, &'a str)> {
    let (seq, hash) = trailer.strip_prefix(run)?.strip_prefix(':')?.split_once(':')?;
    Some((seq.parse().ok()?, hash))
}

impl Stamp {
    fn fault(&self, anchors: &Anchors) -> Option<String> {
        let commit = &self.commit;
        match self.seq {
            None => {
                Some(format!("commit {commit} is said to be of this run, and names no record of its journal"))
            }
            Some(seq) if anchors.fits(seq, &self.hash) => None,
            Some(seq) => Some(format!(
                "commit {commit} names record {seq} with a hash that the records up to there do not have"
            )),
        }
    }
}

/// Law 6: merged in the journal means in the target. How many are there.
fn merged(history: &History, landed: &Landed, faults: &mut Vec<String>) -> usize {
    let present: BTreeSet<&str> = landed.commits.iter().map(|commit| commit.oid.as_str()).collect();
    let mut there = 0;
    for recorded in &history.events {
        let Event::Merged(merged) = &recorded.event else { continue };
        if present.contains(merged.commit.as_str()) {
            there += 1;
            continue;
        }
        let (commit, task, target) = (merged.commit.short(), &merged.task, &landed.target);
        faults.push(format!("{commit} of `{task}` is recorded as merged, and is not in {target}"));
    }
    there
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that stops there says where")]
mod tests {
    use super::*;
    use swarm_journal::{Gap, Record};

    const RUN: &str = "20261121-083150-f3wm";

    fn commit(trailers: &[(&str, &str)]) -> CommitInfo {
        let own = |text: &&str| (*text).to_owned();
        CommitInfo {
            oid: "0123456789abcdef0123456789abcdef01234567".to_owned(),
            tree: String::new(),
            parents: Vec::new(),
            subject: String::new(),
            trailers: trailers.iter().map(|(key, value)| (own(key), own(value))).collect(),
        }
    }

    fn record(seq: u64) -> Record {
        Record {
            seq,
            epoch: 1,
            kind: 1,
            schema: 1,
            time_ms: seq,
            payload: vec![7],
            last_of_batch: true,
            segment: 1,
            offset: 4096,
        }
    }

    fn anchors(records: &[Record]) -> Anchors {
        let mut anchors = Anchors::wanted(1..=9);
        for record in records {
            anchors.take(&Item::Record(record.as_ref()));
        }
        anchors
    }

    fn hash_of(records: &[Record]) -> String {
        anchors(records).hasher.anchor().hash_hex()
    }

    fn faults(trailers: &[(&str, &str)]) -> Vec<String> {
        let anchors = anchors(&[record(1), record(2)]);
        stamps(&commit(trailers), RUN).iter().filter_map(|stamp| stamp.fault(&anchors)).collect()
    }

    #[test]
    fn a_hash_fits_its_own_record_only() {
        let records = [record(1), record(2)];
        let anchors = anchors(&records);
        assert!(anchors.fits(0, &hash_of(&[])));
        assert!(anchors.fits(1, &hash_of(&records[..1])));
        assert!(anchors.fits(2, &hash_of(&records)));
        assert!(!anchors.fits(1, &hash_of(&records)));
        assert!(!anchors.fits(3, &hash_of(&records)));
        assert!(!anchors.fits(u64::MAX, ""));
    }

    #[test]
    fn of_lost_records_nobody_can_say_what_their_hash_was() {
        let mut anchors = anchors(&[record(1), record(2)]);
        let gap = Gap { from_seq: 3, to_seq: 5, segment: 1, offset: 0, bytes: 0, hash: [0; 32] };
        anchors.take(&Item::Gap(gap));
        anchors.take(&Item::Record(record(6).as_ref()));
        anchors.take(&Item::Record(Record { epoch: 2, ..record(7) }.as_ref()));
        assert!(!anchors.fits(2, "else"), "what comes before the hole is compared as ever");
        assert!(anchors.fits(4, "else") && anchors.fits(6, "else"));
        let hash = anchors.hasher.anchor().hash_hex();
        assert!(
            anchors.fits(7, &hash) && !anchors.fits(7, "else"),
            "so is what was written after the repair"
        );
        assert!(!anchors.fits(8, "else"), "there never was such a record");
        assert_eq!(anchors.behind_gaps(), 4, "3 to 6 are named");
    }

    #[test]
    fn a_commit_of_this_run_must_name_a_hash_that_fits() {
        let good = format!("{RUN}:1:{}", hash_of(&[record(1)]));
        assert!(faults(&[("Swarm-Run", RUN), ("Swarm-Journal", &good)]).is_empty());
        let moved = good.replace(":1:", ":2:");
        assert!(faults(&[("Swarm-Run", RUN), ("Swarm-Journal", &moved)])[0].contains("record 2"));
        let beyond = good.replace(":1:", ":9:");
        assert!(faults(&[("Swarm-Run", RUN), ("Swarm-Journal", &beyond)])[0].contains("record 9"));
        // A second one that does not fit is not covered up by the first.
        assert_eq!(
            faults(&[("Swarm-Run", RUN), ("Swarm-Journal", &good), ("Swarm-Journal", &moved)]).len(),
            1
        );
        for missing in [&[("Swarm-Run", RUN)][..], &[("Swarm-Run", RUN), ("Swarm-Journal", "x:1:y")]] {
            let faults = faults(missing);
            assert!(
                faults[0].starts_with("commit 0123456789ab ") && faults[0].contains("no record"),
                "{faults:?}"
            );
        }
    }

    #[test]
    fn commits_of_others_are_none_of_our_business() {
        assert!(faults(&[]).is_empty());
        assert!(faults(&[("Swarm-Run", "20261120-000000-aaaa"), ("Swarm-Journal", "no:1:x")]).is_empty());
    }

    #[test]
    fn a_trailer_is_read_as_it_is_written() {
        assert_eq!(parse(&format!("{RUN}:14:ba1a"), RUN), Some((14, "ba1a")));
        assert_eq!(parse(&format!("{RUN}:x:ba1a"), RUN), None);
        assert_eq!(parse("14:ba1a", RUN), None);
        let other = hash_of(&[record(1)]).get(..4).map(str::to_owned).unwrap();
        assert_eq!(parse(&format!("{RUN}x:14:{other}"), RUN), None);
    }
}
