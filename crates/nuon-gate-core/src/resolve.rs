//! Resolves targets: names become ids, and an install becomes its components.
//!
//! A [`Resolver`] sends nothing itself: it returns the request that is needed, and is given the answer.

mod missing;
mod names;
mod namesakes;
mod selection;

use std::collections::{HashMap, VecDeque};
use std::fmt;

use self::missing::Missing;
pub(crate) use self::names::unknown;
pub use self::names::{Ambiguous, Named, NoComponents, Unfit, UnknownName};
use self::namesakes::Namesakes;
use self::selection::{Selected, Selection};
use crate::api::{ApiError, ErrorClass, Fact, Page, Request};
use crate::cause::Warning;
use crate::labels::Labels;
use crate::model::{Install, InstallComponent};
use crate::paging::Paged;
use crate::{ComponentId, InstallId, Line, RemoteText, Target};

/// Ids have 26 characters, which the server checks. A shorter or longer text with the same prefix is a name.
const ID_LENGTH: usize = 26;
/// Of 23 random characters, at least this many are digits, in 99 of 100 ids.
const FEWEST_DIGITS: usize = 2;

/// A target as it was typed: by ids or by names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A component of an install.
    Component(InstallId, ComponentId),
    /// Every component of an install.
    Install(InstallId),
    /// These components of every install that has the labels; every component if none is named.
    Labelled(Labels, Vec<ComponentId>),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(install, component) => write!(f, "{install}/{component}"),
            Self::Install(install) => write!(f, "every component of {install}"),
            Self::Labelled(labels, components) if components.is_empty() => {
                write!(f, "every component of the installs with {labels}")
            }
            Self::Labelled(labels, components) => {
                let components: Vec<String> = components.iter().map(ToString::to_string).collect();
                write!(f, "{} of the installs with {labels}", components.join(", "))
            }
        }
    }
}

/// What a resolver needs, or its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This request is needed.
    Ask(Request),
    /// These are the targets, in the order in which they were given.
    Targets(Vec<Target>),
    /// One of the given targets, at this position, does not exist.
    Unknown(usize, UnknownName),
    /// Two things have the name that was given.
    Ambiguous(Ambiguous),
    /// No install has the labels.
    Unfit(Unfit),
    /// One of the installs has no components. What others have does not make up for it.
    Empty(NoComponents),
}

/// Resolves targets.
///
/// ```
/// use nuon_gate_core::resolve::{Resolution, Resolver, Wanted};
///
/// let api = Wanted::Component("inlacme0000000000000000000".parse().unwrap(), "api".parse().unwrap());
/// let mut resolver = Resolver::new(vec![api]);
/// assert!(matches!(resolver.resolve(), Resolution::Ask(_)), "the id of a component has to be asked for by its name");
/// ```
#[derive(Debug)]
pub struct Resolver {
    wanted: Vec<Wanted>,
    /// Whether ids are accepted without a request.
    trusting: bool,
    /// The ids of installs, by what was typed.
    ids: HashMap<InstallId, InstallId>,
    /// What is known about each install, by its id.
    installs: HashMap<InstallId, Known>,
    targets: Vec<Target>,
    /// What remains to be resolved, in order: a part of a given target, and that target's position.
    open: VecDeque<(usize, Wanted)>,
    /// The installs with the labels of the first of these.
    selection: Option<Selection>,
    /// Installs that were left out, because their labels are not known.
    unlabelled: Vec<RemoteText>,
    warnings: Vec<Warning>,
    /// How it has ended, unless it ended well.
    end: Option<Resolution>,
    /// An install that does not exist.
    missing: Option<Missing>,
    /// An install that was given by its name, which others may have as well.
    named: Option<Namesakes>,
}

/// What is known about an install.
#[derive(Debug)]
struct Known {
    id: InstallId,
    name: Option<RemoteText>,
    components: Paged<ComponentId, InstallComponent>,
}

impl Known {
    fn new(id: InstallId, name: Option<RemoteText>) -> Self {
        Self { id, name, components: Paged::default() }
    }

    fn target(&self, component: &InstallComponent) -> Option<Target> {
        let id = component.component_id.clone()?;
        Some(Target::new(self.id.clone(), id).named(self.name.as_ref(), component.name()))
    }

    /// Returns its name, or what was given.
    fn label(&self, given: &InstallId) -> RemoteText {
        self.name.clone().unwrap_or_else(|| RemoteText::new(given.as_str()))
    }
}

/// The meaning of a given target.
enum Meaning {
    Ask(Request),
    Targets(Vec<Target>),
    /// What these mean.
    Parts(Vec<Wanted>),
    Unfit(Unfit),
    Unknown(UnknownName),
    Ambiguous(Ambiguous),
    Empty(NoComponents),
}

impl Resolver {
    /// Starts with the given targets.
    pub fn new(wanted: Vec<Wanted>) -> Self {
        let open = wanted.iter().cloned().enumerate().collect();
        Self {
            wanted,
            trusting: true,
            ids: HashMap::new(),
            installs: HashMap::new(),
            targets: Vec::new(),
            open,
            selection: None,
            unlabelled: Vec::new(),
            warnings: Vec::new(),
            end: None,
            missing: None,
            named: None,
        }
    }

    /// Accepts no id without a request, so that everything is known to exist.
    #[must_use]
    pub fn thorough(self) -> Self {
        Self { trusting: false, ..self }
    }

    /// Returns the given targets.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Takes the warnings about what the targets may not be.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        let unlabelled = Warning::unlabelled(&std::mem::take(&mut self.unlabelled));
        std::mem::take(&mut self.warnings).into_iter().chain(unlabelled).collect()
    }

    /// Returns the next request, or the outcome.
    pub fn resolve(&mut self) -> Resolution {
        let of_list = self.missing.as_ref().and_then(Missing::request);
        if let Some(request) = of_list.or_else(|| self.named.as_ref()?.request()) {
            return Resolution::Ask(request);
        }
        while let Some((position, wanted)) = self.open.front().filter(|_| self.end.is_none()).cloned() {
            let meaning = match &wanted {
                Wanted::Labelled(labels, components) => self.select(labels, components),
                _ => self.meaning(&wanted),
            };
            match meaning {
                Meaning::Ask(request) => return Resolution::Ask(request),
                Meaning::Targets(targets) => {
                    self.targets.extend(targets);
                    self.open.pop_front();
                }
                Meaning::Parts(parts) => {
                    self.open.pop_front();
                    parts.into_iter().rev().for_each(|part| self.open.push_front((position, part)));
                }
                Meaning::Unknown(unknown) => self.end = Some(Resolution::Unknown(position, unknown)),
                Meaning::Ambiguous(ambiguous) => self.end = Some(Resolution::Ambiguous(ambiguous)),
                Meaning::Unfit(unfit) => self.end = Some(Resolution::Unfit(unfit)),
                Meaning::Empty(empty) => self.end = Some(Resolution::Empty(empty)),
            }
        }
        self.end.clone().unwrap_or_else(|| Resolution::Targets(self.targets.clone()))
    }

    /// Selects installs by labels, with these components.
    fn select(&mut self, labels: &Labels, components: &[ComponentId]) -> Meaning {
        let (fitting, unlabelled) = match self.selection.get_or_insert_with(|| Selection::new(labels.clone())).state() {
            Selected::Ask(request) => return Meaning::Ask(request),
            Selected::Installs { fitting, unlabelled } => (fitting, unlabelled),
        };
        self.selection = None;
        if fitting.is_empty() {
            return Meaning::Unfit(Unfit { labels: labels.clone(), unlabelled: unlabelled.len() });
        }
        self.unlabelled.extend(unlabelled);
        let mut parts = Vec::new();
        for (install, name) in fitting {
            match components {
                [] => parts.push(Wanted::Install(install.clone())),
                named => parts.extend(named.iter().map(|own| Wanted::Component(install.clone(), own.clone()))),
            }
            self.know_install(&install.clone(), install, name);
        }
        Meaning::Parts(parts)
    }

    /// Handles a fact.
    ///
    /// # Errors
    ///
    /// If it does not answer the request.
    pub fn accept(&mut self, request: &Request, fact: Fact) -> Result<(), ApiError> {
        match (request, fact) {
            (Request::Install(typed), Fact::Install(install)) => self.accept_install(typed, install),
            (Request::InstallComponents(install, page), Fact::InstallComponents(found)) => {
                self.accept_components(install, *page, found)
            }
            (Request::LabelledInstalls(_, page), Fact::Installs(found)) => match &mut self.selection {
                Some(selection) => selection.accept_listed(*page, found),
                None => Ok(()),
            },
            (Request::Installs(page), Fact::Installs(found)) => self.accept_installs(*page, found),
            (Request::NamedInstalls(_, page), Fact::Installs(found)) => self.accept_named(*page, found),
            _ => Err(ApiError::unexpected()),
        }
    }

    fn accept_components(
        &mut self,
        install: &InstallId,
        page: u32,
        found: Page<InstallComponent>,
    ) -> Result<(), ApiError> {
        match self.installs.get_mut(install) {
            Some(known) => known.components.accept(page, found, "components", |row| row.component_id.as_ref()),
            None => Ok(()),
        }
    }

    /// Looks for the missing install in the list of all, and notes what there is instead.
    fn accept_installs(&mut self, page: u32, found: Page<Install>) -> Result<(), ApiError> {
        // The answer before it lagged: it is asked for again.
        if self.missing.take_if(|missing| missing.is_on(&found)).is_some() {
            return Err(ApiError::Undecodable("the list has an install that was not found".to_owned()));
        }
        if self.missing.as_mut().is_some_and(|missing| !missing.accept(page, found)) {
            self.no_install();
        }
        Ok(())
    }

    fn accept_named(&mut self, page: u32, found: Page<Install>) -> Result<(), ApiError> {
        let Some(namesakes) = &mut self.named else { return Ok(()) };
        namesakes.accept(page, found)?;
        if let Some(ambiguous) = namesakes.ambiguous() {
            self.named = None;
            self.end = Some(Resolution::Ambiguous(ambiguous));
        } else if namesakes.request().is_none() {
            self.know_named();
        }
        Ok(())
    }

    /// Takes a name for that of the install with which the server has answered it.
    fn know_named(&mut self) {
        if let Some((given, id, name)) = self.named.take().map(Namesakes::install) {
            self.know_install(&given, id, name);
        }
    }

    /// Records that a request failed. Returns whether the failure means something: a missing object is unknown. If the
    /// list of all installs failed, the requested install is not in it, and suggestions are from what came before. If there is
    /// no list by name, the name is believed, with a warning.
    pub fn on_error(&mut self, request: &Request, error: &ApiError) -> bool {
        let missing = error.class() == ErrorClass::Missing;
        let has_no_list = error.is_absence() || error.class() == ErrorClass::Refused;
        match request {
            Request::NamedInstalls(..) if has_no_list && let Some(named) = &self.named => {
                let name = Line::new(named.given().as_str()).cut(100);
                self.warnings.push(Warning::PerhapsAmbiguous(name));
                self.know_named();
            }
            Request::Install(typed) if missing => self.missing = Some(Missing::new(typed.clone())),
            Request::InstallComponents(install, _) if missing => {
                self.missing = Some(Missing::new(install.clone()));
                self.no_install();
            }
            Request::Installs(_) if self.missing.is_some() => self.no_install(),
            _ => return false,
        }
        true
    }

    fn accept_install(&mut self, typed: &InstallId, install: Install) -> Result<(), ApiError> {
        if let Some(selection) = &mut self.selection {
            selection.accept_read(typed, &install);
        }
        // It was checked to be the requested one when the answer became a fact.
        let Some(id) = install.id else {
            return Err(ApiError::Undecodable("the answer is about another install".to_owned()));
        };
        match id == *typed {
            true => self.know_install(typed, id, install.name),
            false => self.named = Some(Namesakes::new(typed.clone(), id, install.name)),
        }
        Ok(())
    }

    fn know_install(&mut self, typed: &InstallId, id: InstallId, name: Option<RemoteText>) {
        self.ids.insert(typed.clone(), id.clone());
        self.installs.entry(id.clone()).or_insert_with(|| Known::new(id, name));
    }

    fn no_install(&mut self) {
        let Some(missing) = self.missing.take() else { return };
        // The first open part was being resolved.
        let position = self.open.front().map_or(0, |(position, _)| *position);
        self.end = Some(Resolution::Unknown(position, missing.unknown()));
    }

    fn meaning(&self, wanted: &Wanted) -> Meaning {
        let (Wanted::Component(typed, _) | Wanted::Install(typed)) = wanted else { return Meaning::Parts(Vec::new()) };
        let believed = |text: &str, prefix: &str| self.trusting && is_id(text, prefix);
        let by_id = believed(typed.as_str(), "inl").then(|| Known::new(typed.clone(), None));
        let component_id = match wanted {
            Wanted::Component(_, component) if believed(component.as_str(), "cmp") => Some(component),
            _ => None,
        };
        let known = match (self.ids.get(typed).and_then(|id| self.installs.get(id)), &by_id) {
            (Some(known), _) => known,
            // With both ids, no request is needed: whether they exist is seen later.
            (None, Some(known)) if component_id.is_some() => known,
            (None, _) => return Meaning::Ask(Request::Install(typed.clone())),
        };
        match (wanted, component_id, known.components.page()) {
            (_, Some(id), _) => {
                let target = Target::new(known.id.clone(), id.clone());
                Meaning::Targets(vec![target.named(known.name.as_ref(), None)])
            }
            (_, None, Some(page)) => Meaning::Ask(Request::InstallComponents(known.id.clone(), page)),
            (Wanted::Component(_, component), None, None) => self.by_name(known, typed, component),
            (_, None, None) => {
                let components = known.components.rows().iter();
                let targets: Vec<Target> = components.filter_map(|component| known.target(component)).collect();
                match targets.is_empty() {
                    true => Meaning::Empty(NoComponents { install: known.label(typed) }),
                    false => Meaning::Targets(targets),
                }
            }
        }
    }

    /// Names are compared exactly as the server sent them: an invisible character makes it another name.
    fn by_name(&self, known: &Known, install: &InstallId, typed: &ComponentId) -> Meaning {
        let is_it = |component: &&InstallComponent| {
            component.component_id.as_ref() == Some(typed)
                || component.name().is_some_and(|name| name.is(typed.as_str()))
        };
        let mut found = known.components.rows().iter().filter(is_it).filter_map(|component| known.target(component));
        match (found.next(), found.next()) {
            (Some(target), None) => Meaning::Targets(vec![target]),
            (Some(first), Some(second)) => {
                let (given, first, second) =
                    (typed.to_string(), first.component.to_string(), second.component.to_string());
                Meaning::Ambiguous(Ambiguous { kind: Named::Component, given, first, second })
            }
            // A list can lag, so an id need not be in it.
            (None, _) if self.trusting && has_form_of_id(typed.as_str(), "cmp") => {
                Meaning::Targets(vec![Target::new(known.id.clone(), typed.clone()).named(known.name.as_ref(), None)])
            }
            (None, _) => {
                let names: Vec<RemoteText> =
                    known.components.rows().iter().filter_map(|own| own.name().cloned()).collect();
                Meaning::Unknown(unknown(Named::Component, typed.as_str(), Some(known.label(install)), &names))
            }
        }
    }
}

/// Returns whether a text can only be an id: a random id has some digits. An id that is taken for a name is found too,
/// with one more request.
fn is_id(text: &str, prefix: &str) -> bool {
    has_form_of_id(text, prefix) && text.bytes().filter(u8::is_ascii_digit).count() >= FEWEST_DIGITS
}

/// Returns whether a text can be an id: the prefix, and lower-case letters and digits.
fn has_form_of_id(text: &str, prefix: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    text.starts_with(prefix) && text.len() == ID_LENGTH && plain
}
