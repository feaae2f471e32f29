//! Draws choices: from a scenario's list where it names one, else from its seed. Does not know what they decide.
//!
//! A choice that is not listed comes from a hash of the seed and its name, so taking one away does not shift the others.

use std::collections::{BTreeMap, BTreeSet};

use super::place::{Place, Who};
use super::site::{Draw, Site};

/// How a run is to go: what is chosen by name, and what chooses the rest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scenario {
    /// Chosen by name.
    pub named: BTreeMap<Place, u32>,
    /// Chooses what is not named; without one, all of that is kind.
    pub seed: Option<u64>,
}

impl Scenario {
    /// Everything is drawn from a seed.
    pub fn of_seed(seed: u64) -> Self {
        Self { named: BTreeMap::new(), seed: Some(seed) }
    }

    /// The same with one more choice.
    #[must_use]
    pub fn with(mut self, site: Site, who: Who, value: u32) -> Self {
        self.named.insert(Place { site, who, time: 0 }, value);
        self
    }
}

/// Answers every site, and remembers what was not kind.
#[derive(Clone, Debug)]
pub struct Choices {
    scenario: Scenario,
    rates: Vec<u32>,
    asked: BTreeMap<(Site, u64), u16>,
    made: Vec<(Place, u32)>,
    /// Sites that are always kind.
    silent: BTreeSet<Site>,
    /// Every choice, if somebody wants to know.
    all: Option<BTreeMap<Place, u32>>,
    /// From now on everything is kind that goes wrong otherwise.
    faults_stopped: bool,
    script: Option<Script>,
}

/// The branches differ in so many attempts of each task; those behind them are kind.
const ATTEMPTS: u16 = 2;

/// Sites, each with the values that are tried.
pub type Sites = &'static [(Site, &'static [u32])];

/// The choices of one branch of a tree of all branches.
///
/// The tree is walked by running anew: on each choice the next alternative that was not tried, and from the end of the
/// branch back to the last choice that has one left (matklad's exhaustive generation, as in `TigerBeetle`).
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// The sites in which the branches differ, and the values that are tried.
    open: BTreeMap<Site, &'static [u32]>,
    /// Sites that are unkind so often in a branch at most, all of them together.
    rare: BTreeMap<Site, &'static [u32]>,
    at_most: u32,
    path: Vec<(usize, usize)>,
    at: usize,
    spent: u32,
}

impl Script {
    pub(crate) fn new(open: Sites, rare: Sites, at_most: u32) -> Self {
        let (open, rare) = (open.iter().copied().collect(), rare.iter().copied().collect());
        Self { open, rare, at_most, ..Self::default() }
    }

    /// The next branch; none after the last.
    pub(crate) fn turn(mut self) -> Option<Self> {
        (self.at, self.spent) = (0, 0);
        while let Some((tried, count)) = self.path.last_mut() {
            *tried += 1;
            if tried < count {
                return Some(self);
            }
            self.path.pop();
        }
        None
    }

    /// What is tried now; none if everything is kind here.
    fn choose(&mut self, place: Place) -> Option<u32> {
        let site = place.site;
        if matches!(place.who, Who::Attempt(_, attempt) if attempt > ATTEMPTS) {
            return None;
        }
        if let Some(values) = self.open.get(&site).copied() {
            return Some(values[self.next(values.len())]);
        }
        let values = self.rare.get(&site).copied()?;
        if self.spent == self.at_most {
            return Some(0);
        }
        let value = values[self.next(values.len())];
        self.spent += u32::from(value != 0);
        Some(value)
    }

    fn next(&mut self, count: usize) -> usize {
        if self.at == self.path.len() {
            self.path.push((0, count));
        }
        self.at += 1;
        self.path[self.at - 1].0
    }
}

impl Choices {
    /// The choices of a scenario.
    pub fn new(scenario: Scenario) -> Self {
        let rates = scenario.seed.map_or_else(Vec::new, rates);
        let (asked, made) = (BTreeMap::new(), Vec::new());
        let (silent, all) = (BTreeSet::new(), None);
        Self { scenario, rates, asked, made, silent, all, faults_stopped: false, script: None }
    }

    /// The same, where some sites try every value.
    pub(crate) fn scripted(scenario: Scenario, script: Script) -> Self {
        Self { script: Some(script), ..Self::new(scenario) }
    }

    /// The same, where a seed lets nothing go wrong but at some sites.
    pub(crate) fn only(mut self, may_go_wrong: impl Fn(Site) -> bool) -> Self {
        for (rate, site) in self.rates.iter_mut().zip(Site::ALL) {
            *rate = if may_go_wrong(*site) { *rate } else { 0 };
        }
        self
    }

    /// The script, for its next branch.
    pub(crate) fn take_script(&mut self) -> Option<Script> {
        self.script.take()
    }

    /// From now on these sites are kind, whatever the scenario says.
    pub fn silence(&mut self, sites: &[Site]) {
        self.silent.extend(sites);
    }

    /// Asks a site that may be asked again about the same.
    pub fn ask(&mut self, site: Site, who: Who) -> u32 {
        let times = self.asked.entry((site, who.packed())).or_default();
        let time = *times;
        *times = times.saturating_add(1);
        self.choose(Place { site, who, time })
    }

    /// Asks a site that is asked once about each.
    pub fn once(&mut self, site: Site, who: Who) -> u32 {
        self.choose(Place { site, who, time: 0 })
    }

    /// From now on nothing goes wrong any more. Law 12 holds from here.
    pub fn stop_faults(&mut self) {
        self.faults_stopped = true;
    }

    /// Whether they have stopped.
    pub fn faults_stopped(&self) -> bool {
        self.faults_stopped
    }

    /// Every choice that was not kind, in order.
    pub fn made(&self) -> &[(Place, u32)] {
        &self.made
    }

    /// From now on every choice is remembered, and not only those that were not kind.
    ///
    /// ```
    /// use swarm_proptests::{Choices, Scenario, Site, Who};
    ///
    /// let mut choices = Choices::new(Scenario::default());
    /// choices.remember_asked();
    /// choices.once(Site::AgentFate, Who::Attempt(0, 1));
    /// let asked: Vec<_> = choices.asked().map(|(place, value)| (place.to_string(), value)).collect();
    /// assert_eq!(asked, [("agent.fate t0/1".to_owned(), 0)]);
    /// ```
    pub fn remember_asked(&mut self) {
        self.all.get_or_insert_default();
    }

    /// Every choice since [`Choices::remember_asked`], by name.
    pub fn asked(&self) -> impl Iterator<Item = (Place, u32)> {
        self.all.iter().flatten().map(|(place, value)| (*place, *value))
    }

    /// The scenario that names every choice which was made, and leaves nothing to a seed.
    pub fn as_named(&self) -> Scenario {
        Scenario { named: self.made.iter().copied().collect(), seed: None }
    }

    fn choose(&mut self, place: Place) -> u32 {
        let value = self.value(place);
        if value != 0 {
            self.made.push((place, value));
        }
        if let Some(all) = &mut self.all {
            all.insert(place, value);
        }
        value
    }

    fn value(&mut self, place: Place) -> u32 {
        let is_fault = matches!(place.site.draw(), Draw::Fault | Draw::Rare);
        if is_fault && self.faults_stopped || self.silent.contains(&place.site) {
            return 0;
        }
        if !self.scenario.named.is_empty()
            && let Some(value) = self.scenario.named.get(&place)
        {
            return (*value).min(place.site.values().count() - 1);
        }
        if let Some(value) = self.script.as_mut().and_then(|script| script.choose(place)) {
            return value;
        }
        match self.scenario.seed {
            Some(seed) => self.drawn(seed, place),
            None => 0,
        }
    }

    fn drawn(&self, seed: u64, place: Place) -> u32 {
        let count = place.site.values().count();
        let hash = hash(seed, place);
        let rest = u32::try_from(hash >> 32).expect("32 bits are left");
        match place.site.draw() {
            Draw::Even => rest % count,
            Draw::Small => small(rest, count),
            Draw::Fault | Draw::Rare => {
                let rate = self.rates[place.site as usize];
                let low = u32::try_from(hash & 0x000F_FFFF).expect("20 bits");
                if low % 1000 < rate { 1 + rest % (count - 1) } else { 0 }
            }
        }
    }
}

/// One in three is twice as large, and so on.
fn small(random: u32, count: u32) -> u32 {
    let mut octave = 0;
    let mut left = random;
    while left.is_multiple_of(3) && octave < 6 {
        octave += 1;
        left /= 3;
    }
    ((1 << octave) - 1 + (left / 3) % (1 << octave)).min(count - 1)
}

/// How often each fault happens under a seed, in thousandths. Some never do: a world in which everything goes wrong at
/// once never gets to where the interesting things go wrong.
fn rates(seed: u64) -> Vec<u32> {
    const FAULT: [u32; 8] = [0, 0, 0, 10, 30, 80, 200, 400];
    const RARE: [u32; 8] = [0, 0, 0, 0, 2, 5, 15, 40];
    let rate = |site: &Site| {
        let place = Place { site: *site, who: Who::Number(u32::MAX), time: u16::MAX };
        let which = usize::try_from(hash(seed, place) >> 61).expect("3 bits");
        match site.draw() {
            Draw::Fault => FAULT[which],
            Draw::Rare => RARE[which],
            Draw::Even | Draw::Small => 0,
        }
    };
    Site::ALL.iter().map(rate).collect()
}

/// The finaliser of `SplitMix64` over everything that names a choice, so that near names have far hashes.
fn hash(seed: u64, place: Place) -> u64 {
    let name = place.who.packed() ^ (place.site as u64) << 48 ^ u64::from(place.time) << 56;
    let mut hash = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ name.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    hash ^= u64::from(place.time);
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use super::{Choices, Scenario, Script};
    use crate::choice::{Site, Who};

    fn fates(choices: &mut Choices) -> Vec<u32> {
        (1..60).map(|attempt| choices.ask(Site::AgentFate, Who::Attempt(0, attempt))).collect()
    }

    #[test]
    fn a_choice_that_is_made_by_name_shifts_no_other() {
        let seeded = Scenario::of_seed(3);
        let before = fates(&mut Choices::new(seeded.clone()));
        let after = fates(&mut Choices::new(seeded.with(Site::AgentFate, Who::Attempt(0, 7), 2)));
        assert_eq!(after[6], 2);
        let others = |fates: &[u32]| [&fates[..6], &fates[7..]].concat();
        assert_eq!(others(&before), others(&after));
    }

    #[test]
    fn what_was_made_is_a_scenario_that_makes_it_again() {
        for seed in 0..50 {
            let mut seeded = Choices::new(Scenario::of_seed(seed));
            let fates_of_seed = fates(&mut seeded);
            assert_eq!(fates(&mut Choices::new(seeded.as_named())), fates_of_seed);
        }
    }

    #[test]
    fn who_wants_to_know_is_told_of_kind_choices_too() {
        let mut choices = Choices::new(Scenario::of_seed(3));
        fates(&mut choices);
        assert_eq!(choices.asked().count(), 0);
        choices.remember_asked();
        choices.once(Site::AgentFate, Who::Run);
        choices.stop_faults();
        choices.once(Site::GateVerdict, Who::Number(1));
        let asked: Vec<_> = choices.asked().map(|(place, value)| (place.to_string(), value)).collect();
        assert_eq!(asked[1], ("gate.verdict 1".to_owned(), 0));
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn a_script_takes_every_branch_once() {
        let script = Script::new(&[(Site::AgentFate, &[0, 1, 2])], &[(Site::Crash, &[0, 5])], 1);
        let mut next = Some(script);
        let mut branches = std::collections::BTreeSet::new();
        while let Some(script) = next {
            let mut choices = Choices::scripted(Scenario::default(), script);
            let crashes = (1..4).map(|turn| choices.once(Site::Crash, Who::Number(turn))).collect::<Vec<_>>();
            let fate = choices.once(Site::AgentFate, Who::Attempt(0, 1));
            assert!(branches.insert((crashes, fate)));
            next = choices.take_script().and_then(Script::turn);
        }
        // Each of three turns crashes, or none; with each of three fates.
        assert_eq!(branches.len(), 12);
    }
}
