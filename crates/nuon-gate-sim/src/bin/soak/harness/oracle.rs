//! Which exit codes are right, computed from the scene alone. It knows nothing of how the gate decides.

use super::story::{NEVER, Story};

/// How many targets have to pass.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    All,
    AtLeast(usize),
}

/// What is right of a run.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    /// The codes that are right for each target.
    targets: Vec<Vec<u8>>,
    /// What else is right for each once a clock has rung.
    at_a_clock: Vec<Vec<u8>>,
    /// What has a say beside the targets.
    pub(crate) others: Vec<Vec<u8>>,
    /// The deploys that may be the one that passed.
    pub(crate) may_pass: Vec<String>,
    pub(crate) need: Need,
    pub(crate) fail_fast: bool,
    /// No good answer ever comes.
    hopeless: bool,
    /// A fault can be taken for a refusal.
    pub(crate) may_be_refused: bool,
    pub(crate) has_faults: bool,
    pub(crate) may_cancel: bool,
    /// What is right is said only when a clock rings.
    pub(crate) takes_a_clock: bool,
    /// In milliseconds: the total clock, and the limit of a request.
    pub(crate) total: u64,
    pub(crate) request: u64,
    /// The first clock that can ring before everything has ended, if any can.
    pub(crate) clock: Option<u64>,
    /// The outage clock, if it is short enough to ring.
    pub(crate) outage: Option<u64>,
}

/// How a target stands that has not ended.
const PENDING: u8 = 10;
/// The order in which codes come first.
const GRAVEST: [u8; 7] = [3, 1, 4, 6, 5, 7, NEVER];
/// How long what follows the wait may take, in milliseconds: reasons and logs, and a cancel.
const EVIDENCE: u64 = 10_000;
const CANCEL: u64 = 15_000;
/// How long the program may take besides, on a machine that has other work.
const SLACK: u64 = 2_000;

impl Expected {
    pub(crate) fn of(stories: &[Story], need: Need) -> Self {
        Self {
            targets: stories.iter().map(|story| story.ends.clone()).collect(),
            at_a_clock: stories.iter().map(|story| story.at_a_clock.clone()).collect(),
            others: Vec::new(),
            may_pass: stories.iter().flat_map(|story| story.may_pass.clone()).collect(),
            need,
            fail_fast: false,
            hopeless: false,
            may_be_refused: false,
            has_faults: false,
            may_cancel: false,
            takes_a_clock: false,
            total: 0,
            request: 0,
            clock: None,
            outage: None,
        }
    }

    /// No good answer ever comes.
    pub(crate) fn nothing_good(&mut self) {
        self.hopeless = true;
        self.targets = vec![vec![NEVER]];
        self.at_a_clock = vec![Vec::new()];
        self.others.clear();
        self.need = Need::All;
    }

    /// Tells whether it can take a clock to end the wait.
    pub(crate) fn may_never_end(&self) -> bool {
        self.takes_a_clock || self.targets.iter().chain(&self.others).any(|codes| codes.contains(&NEVER))
    }

    /// Returns how long the whole run may take, in milliseconds.
    pub(crate) fn longest(&self) -> u64 {
        let cancel = if self.may_cancel { CANCEL } else { 0 };
        self.total + self.request + EVIDENCE + cancel + SLACK
    }

    /// Returns the codes that are right for a run that took so many milliseconds.
    pub(crate) fn codes(&self, took: u64) -> Vec<u8> {
        let rang = self.clock.is_some_and(|clock| took >= clock);
        let out = (self.has_faults || self.hopeless) && self.outage.is_some_and(|outage| took >= outage);
        let also = |codes: &[u8], at_a_clock: &[u8]| {
            // What only a clock can end is pending before one rang.
            let early = |code: &u8| if *code == NEVER { PENDING } else { *code };
            let mut codes: Vec<u8> = codes.iter().map(early).collect();
            if rang {
                codes.push(NEVER);
            }
            if out {
                codes.push(7);
            }
            if rang || out {
                codes.extend(at_a_clock);
            }
            if self.may_be_refused {
                codes.push(3);
            }
            codes
        };
        let nothing = Vec::new();
        let clocks = self.at_a_clock.iter().chain(std::iter::repeat(&nothing));
        let each: Vec<Vec<u8>> =
            self.targets.iter().chain(&self.others).zip(clocks).map(|(codes, clock)| also(codes, clock)).collect();
        let mut right = Vec::new();
        self.combine(&each, &mut Vec::new(), &mut right);
        right.sort_unstable();
        right.dedup();
        right
    }

    /// Goes through every way in which the targets can end.
    fn combine(&self, open: &[Vec<u8>], chosen: &mut Vec<u8>, right: &mut Vec<u8>) {
        let Some((first, rest)) = open.split_first() else {
            return self.judge(chosen, right);
        };
        for code in first {
            chosen.push(*code);
            self.combine(rest, chosen, right);
            chosen.pop();
        }
    }

    fn judge(&self, ends: &[u8], right: &mut Vec<u8>) {
        let passed = ends.iter().filter(|code| **code == 0).count();
        let needed = match self.need {
            Need::All => ends.len(),
            Need::AtLeast(needed) => needed,
        };
        if passed >= needed {
            right.push(0);
        } else if self.fail_fast {
            // The first that make a pass impossible decide, whichever those are.
            right.extend(ends.iter().filter(|code| !matches!(**code, 0 | PENDING)));
        } else if !ends.contains(&PENDING) {
            right.extend(GRAVEST.into_iter().find(|code| ends.contains(code)));
        }
    }
}
