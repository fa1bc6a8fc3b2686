//! What a human is asked to approve: how much a plan adds, changes and destroys, and the names of what it destroys.
//!
//! A plan holds the values of everything it touches, secrets among them. It is parsed as a stream, and only kinds and
//! names are kept; see `docs/nuon-api.md`, "What a human is asked to approve".

use std::fmt;
use std::marker::PhantomData;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::open::Object;
use crate::{Line, RemoteText};

/// How many of the destroyed resources are named.
const MOST_NAMED: usize = 10;
/// The longest name, and the longest line with a name, in characters.
const LONGEST_NAME: usize = 120;
const LONGEST_LINE: usize = 1000;
/// The most lines of a kind that are read from a plan in words.
const MOST_LINES: usize = 100;

/// The size of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// How many resources it adds. A replaced one is added and destroyed.
    pub add: u64,
    /// How many it changes.
    pub change: u64,
    /// How many it destroys.
    pub destroy: u64,
    /// The names of the first resources that it destroys or replaces.
    pub destroyed: Vec<Line>,
}

/// What happens to a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Add,
    Change,
    Destroy,
    Replace,
}

impl Plan {
    fn count(&mut self, action: Option<Action>, name: impl FnOnce() -> Option<RemoteText>) {
        use Action::{Add, Change, Destroy, Replace};
        self.add += u64::from(matches!(action, Some(Add | Replace)));
        self.change += u64::from(action == Some(Change));
        self.destroy += u64::from(matches!(action, Some(Destroy | Replace)));
        if matches!(action, Some(Destroy | Replace)) && self.destroyed.len() < MOST_NAMED {
            self.destroyed.extend(name().map(|name| name.line(LONGEST_NAME)).filter(|name| !name.is_empty()));
        }
    }
}

impl<'de> Deserialize<'de> for Plan {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Contents { resource_changes, helm_content_diff, k8s_content_diff, plan } =
            Contents::deserialize(deserializer)?;
        let of_cluster = || helm_content_diff.or(k8s_content_diff).map(|counted| counted.plan);
        let counted = resource_changes.map(|counted| counted.plan);
        // Helm's own counts come first, because Nuon shows them to people.
        let plan = counted.or(plan.0.0).or_else(of_cluster);
        plan.ok_or_else(|| D::Error::custom("it is not a plan in a known format"))
    }
}

/// The approval's contents.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Contents {
    /// Terraform's and Pulumi's.
    resource_changes: Option<Counted<ResourceChange>>,
    helm_content_diff: Option<Counted<ContentDiff>>,
    k8s_content_diff: Option<Counted<ContentDiff>>,
    /// Helm's own text; for Kubernetes, on some servers, the contents again.
    plan: Loose<PlanText>,
}

/// The counts of a list of resources.
struct Counted<T> {
    plan: Plan,
    things: PhantomData<T>,
}

/// A resource in a plan.
trait Thing {
    fn action(&self) -> Option<Action>;
    fn name(self) -> Option<RemoteText>;
}

impl<'de, T: Thing + Deserialize<'de>> Deserialize<'de> for Counted<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Things<T>(PhantomData<T>);

        impl<'de, T: Thing + Deserialize<'de>> Visitor<'de> for Things<T> {
            type Value = Plan;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut things: A) -> Result<Plan, A::Error> {
                let mut plan = Plan::default();
                while let Some(Object(thing)) = things.next_element::<Object<T>>()? {
                    plan.count(thing.action(), || thing.name());
                }
                Ok(plan)
            }
        }

        let plan = deserializer.deserialize_seq(Things::<T>(PhantomData))?;
        Ok(Self { plan, things: PhantomData })
    }
}

/// A resource: Terraform's has its actions in `change`, Pulumi's has a single action.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ResourceChange {
    address: Loose<Name>,
    name: Loose<Name>,
    action: Loose<Actions>,
    change: Option<Object<Change>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Change {
    actions: Loose<Actions>,
}

impl Thing for ResourceChange {
    fn action(&self) -> Option<Action> {
        let own = self.change.as_ref().map_or(&self.action.0, |change| &change.0.actions.0);
        match (own.creates, own.deletes) {
            (true, true) => Some(Action::Replace),
            (true, false) => Some(Action::Add),
            (false, true) => Some(Action::Destroy),
            (false, false) => own.updates.then_some(Action::Change),
        }
    }

    fn name(self) -> Option<RemoteText> {
        self.address.0.0.or(self.name.0.0)
    }
}

/// An object in a cluster.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContentDiff {
    namespace: Loose<Name>,
    kind: Loose<Name>,
    name: Loose<Name>,
    op: Loose<Actions>,
    #[serde(rename = "type")]
    difference: Loose<Number>,
    before: Loose<IsSome>,
    after: Loose<IsSome>,
}

impl Thing for ContentDiff {
    fn action(&self) -> Option<Action> {
        match self.difference.0.0 {
            _ if self.op.0.deletes => Some(Action::Destroy),
            Some(0) => None,
            Some(1) => Some(Action::Add),
            Some(2) => Some(Action::Destroy),
            // It could not be compared, or the difference is of an unknown kind.
            Some(_) => Some(Action::Change),
            None => match (self.before.0.0, self.after.0.0) {
                (false, true) => Some(Action::Add),
                (true, false) => Some(Action::Destroy),
                _ => Some(Action::Change),
            },
        }
    }

    fn name(self) -> Option<RemoteText> {
        let parts = [self.kind, self.namespace, self.name];
        named(parts.iter().flat_map(|part| &part.0.0).map(|part| part.line(LONGEST_NAME)))
    }
}

/// Names an object: `Deployment default/api`.
fn named(parts: impl Iterator<Item = Line>) -> Option<RemoteText> {
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).map(|part| part.plain().to_owned()).collect();
    let (kind, place) = parts.split_first()?;
    Some(RemoteText::new(format!("{kind} {}", place.join("/"))))
}

/// A part of any form: what is not needed is skipped.
#[derive(Default)]
struct Loose<T>(T);

/// What is kept of a part.
trait Part: Default {
    fn text(_text: &str) -> Self {
        Self::default()
    }

    fn number(_number: i64) -> Self {
        Self::default()
    }

    /// Adds an item of a list.
    fn add(&mut self, _item: Self) {}
}

impl<'de, T: Part> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Anything<T>(PhantomData<T>);

        impl<'de, T: Part> Visitor<'de> for Anything<T> {
            type Value = T;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
                Ok(T::text(text))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<T, E> {
                Ok(i64::try_from(number).map(T::number).unwrap_or_default())
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<T, E> {
                Ok(T::number(number))
            }

            fn visit_f64<E: Error>(self, _: f64) -> Result<T, E> {
                Ok(T::default())
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<T, E> {
                Ok(T::default())
            }

            fn visit_unit<E: Error>(self) -> Result<T, E> {
                Ok(T::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<T, A::Error> {
                let mut part = T::default();
                while let Some(Loose(item)) = items.next_element::<Loose<T>>()? {
                    part.add(item);
                }
                Ok(part)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<T, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(T::default())
            }
        }

        deserializer.deserialize_any(Anything(PhantomData)).map(Self)
    }
}

#[derive(Default)]
struct Name(Option<RemoteText>);

impl Part for Name {
    fn text(text: &str) -> Self {
        Self(Some(RemoteText::new(text)).filter(|name| !name.is_blank()))
    }
}

#[derive(Default)]
struct Number(Option<i64>);

impl Part for Number {
    fn number(number: i64) -> Self {
        Self(Some(number))
    }
}

/// Whether there is a text. The text itself is dropped.
#[derive(Default)]
struct IsSome(bool);

impl Part for IsSome {
    fn text(text: &str) -> Self {
        Self(!text.is_empty())
    }
}

/// One or several words for what happens to a resource.
#[derive(Default)]
struct Actions {
    creates: bool,
    updates: bool,
    deletes: bool,
}

impl Part for Actions {
    fn text(word: &str) -> Self {
        Self {
            creates: matches!(word, "create" | "replace"),
            updates: word == "update",
            deletes: matches!(word, "delete" | "replace"),
        }
    }

    fn add(&mut self, item: Self) {
        self.creates |= item.creates;
        self.updates |= item.updates;
        self.deletes |= item.deletes;
    }
}

/// A plan in words, or as JSON in a text.
#[derive(Default)]
struct PlanText(Option<Plan>);

impl Part for PlanText {
    fn text(text: &str) -> Self {
        Self(in_words(text).or_else(|| nested(text)))
    }
}

/// Reads contents inside a text, without further nesting.
fn nested(text: &str) -> Option<Plan> {
    #[derive(Deserialize)]
    struct Nested {
        k8s_content_diff: Counted<ContentDiff>,
    }

    text.trim_start().starts_with('{').then_some(())?;
    serde_json::from_str::<Object<Nested>>(text).ok().map(|nested| nested.0.k8s_content_diff.plan)
}

/// Reads the output of Helm's differ: a line for each object, and at the end a count of each kind.
fn in_words(text: &str) -> Option<Plan> {
    let [add, change, destroy] = lines_with(text, " to add, ").find_map(|line| summary(line.plain()))?;
    let objects = lines_with(text, " to be destroyed").filter_map(|line| object_name(line.plain()));
    let destroyed = objects.take(MOST_NAMED).map(|name| name.line(LONGEST_NAME)).collect();
    Some(Plan { add, change, destroy, destroyed })
}

/// Returns lines with these words, without colours: the last ones first, up to a limit.
fn lines_with<'a>(text: &'a str, words: &'a str) -> impl Iterator<Item = Line> + 'a {
    let lines = text.lines().rev().filter(move |line| line.contains(words));
    lines.take(MOST_LINES).map(|line| RemoteText::new(line).line(LONGEST_LINE))
}

/// Reads `Plan: 1 to add, 2 to change, 3 to destroy.`
fn summary(line: &str) -> Option<[u64; 3]> {
    let mut parts = line.strip_prefix("Plan: ")?.trim_end_matches('.').split(", ");
    let mut next = |verb: &str| parts.next()?.strip_suffix(verb)?.parse().ok();
    Some([next(" to add")?, next(" to change")?, next(" to destroy")?])
}

/// Reads `namespace, name, Kind (api) to be destroyed`
fn object_name(line: &str) -> Option<RemoteText> {
    let (object, _) = line.split_once(" (")?;
    let mut parts = object.split(", ").map(Line::new);
    let (namespace, name, kind) = (parts.next()?, parts.next()?, parts.next()?);
    named([kind, namespace, name].into_iter())
}
