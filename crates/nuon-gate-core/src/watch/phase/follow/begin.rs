//! How a deploy comes to be followed.

use std::cmp::Ordering;
use std::sync::Arc;

use super::bake::KnownHealth;
use super::{Follow, FollowReads, Newest, Origin, Own, ReadState, RivalReads, Rivals, ShownBy};
use crate::cause::Warning;
use crate::model::Deploy;
use crate::pins::Pins;
use crate::watch::freshness::Freshness;
use crate::watch::phase::{Note, Past, Policy, ReadRows, SearchPins, Superseded};
use crate::{DeployId, Kind, Moment};

impl Follow {
    /// Follows the deploy that was named by its id.
    pub(in crate::watch) fn named(id: DeployId, pins: Pins) -> Self {
        let own = Own {
            id,
            search_pins: SearchPins::of_named(pins.clone()),
            pins,
            origin: Origin::Named,
            known: None,
            overheard: None,
            freshness: Freshness::default(),
            was_seen: false,
            matches: false,
            created: None,
            identified: false,
            part: None,
            missing_since: None,
            kind: None,
            known_is_detail: false,
            lacked_detail: false,
            workflow_id: None,
            workflow_answered: false,
            warned_of_workflow: false,
            answered: Vec::new(),
            most_steps: 0,
            is_beyond_install_list: false,
            followed_before: Vec::new(),
        };
        Self {
            rivals: Rivals::new(ReadRows::by(&own.pins)),
            own,
            past: None,
            held: None,
            known_health: KnownHealth::default(),
            reads: FollowReads::default(),
        }
    }

    /// Follows a row that matched.
    pub(in crate::watch::phase) fn matched(
        id: DeployId,
        row: Arc<Deploy>,
        pins: Pins,
        past: Option<Past>,
        is_newest: bool,
    ) -> Self {
        let states = vec![ReadState { row: row.clone(), is_detail: false }];
        let reads = FollowReads { current: true, changed: true, states, ..FollowReads::default() };
        let mut follow = Self { past, reads, ..Self::named(id, pins) };
        if is_newest {
            follow.rivals.note_none();
        }
        let own = &mut follow.own;
        own.origin = Origin::Matched;
        own.freshness.admit(Moment::START, &row);
        own.workflow_id = row.workflow().cloned();
        own.created = row.created_at;
        own.known = Some(row);
        follow
    }

    /// Follows a row that took the place of others.
    pub(in crate::watch::phase) fn successor(
        id: DeployId,
        row: Arc<Deploy>,
        pins: Pins,
        kind: Kind,
        before: Vec<DeployId>,
        past: Option<Past>,
    ) -> Self {
        let mut follow = Self::matched(id, row, pins, past, false);
        (follow.own.origin, follow.own.followed_before) = (Origin::Successor(kind), before);
        follow
    }

    /// Follows a newer deploy instead of one that it supersedes: because it is the latest, not because a pin matches it. Another run
    /// can take its install, too.
    pub(in crate::watch::phase) fn newer(
        id: DeployId,
        row: Arc<Deploy>,
        than: Superseded,
        policy: &Policy<'_>,
        notes: &mut Vec<Note>,
    ) -> Self {
        let Superseded { row: before, pins, past, ids } = than;
        notes.extend(ids.last().map(|from| Note::Warned(Warning::Superseded { from: from.clone(), to: id.clone() })));
        let pins = Pins { branch_run: pins.branch_run, ..Pins::default() };
        notes.push(Note::Found { row: row.clone(), by: pins.matched_by(), replaces: None });
        let past = past.filter(|past| past.recurs().is_none()).map(|past| past.of_next(&row, policy));
        Self::successor(id, row, pins, before.kind().unwrap_or(Kind::Apply), ids, past)
    }

    /// Records a row that the server has shown, and that did not match.
    pub(in crate::watch::phase) fn after_row(mut self, newest: Option<Arc<Deploy>>) -> Self {
        let Some(newest) = newest else { return self };
        self.rivals.read_rows.note_rows([&*newest]);
        match self.own.known.as_ref().and_then(|known| newest.order(known)) {
            Some(Ordering::Less) => self.rivals.read_rows.note_older(&newest),
            Some(Ordering::Equal) => {}
            Some(Ordering::Greater) | None => {
                // It was shown before this deploy was, so without times it is not known to be newer.
                (self.rivals.newest, self.rivals.newest_by) = (Some(newest), ShownBy::default());
                self.rivals.reads.newest = Newest::Unread;
            }
        }
        self
    }

    /// Records a state that another poller has read, so that an older one from a lagging replica does not count.
    pub(in crate::watch) fn not_older_than(mut self, seen: Option<&Deploy>, now: Moment) -> Self {
        if let Some(seen) = seen {
            self.own.was_seen = true;
            self.own.created = self.own.created.or(seen.created_at);
            self.own.workflow_id = self.own.workflow_id.take().or_else(|| seen.workflow().cloned());
            self.own.freshness = Freshness::default();
            self.own.freshness.admit(now, seen);
            self.reads.current = self.own.known.as_ref().is_some_and(|known| self.own.freshness.admit(now, known));
        }
        self
    }

    /// Continues with what was searched for when it was found, which is more than what it has to match, and with what earlier answers
    /// said about rows. Whatever else is known is compared with these, so this comes first.
    pub(in crate::watch::phase) fn continuing(mut self, search_pins: SearchPins, read_rows: ReadRows) -> Self {
        self.own.search_pins = search_pins;
        self.own.workflow_id = self.own.known.as_ref().and_then(|own| read_rows.workflow_of(own)).cloned();
        let created = self.own.known.as_ref().and_then(|own| read_rows.created_of(own));
        self.own.created = self.own.created.or(created);
        self.rivals.read_rows = read_rows;
        self
    }

    /// Records that the list has been read in this poll, and which row it shows as the newest. Whether that still is, is
    /// read again.
    pub(in crate::watch::phase) fn after_list(mut self, rows: Option<Arc<Vec<Deploy>>>) -> Self {
        self.reads.is_list_spent = true;
        if let Some(rows) = rows {
            self.rivals.accept_rows(&self.own, &rows);
            self.rivals.reads = RivalReads::default();
        }
        self
    }
}
