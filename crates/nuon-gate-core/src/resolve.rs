//! Which targets are meant: names become ids, and an install becomes its components.
//!
//! A [`Resolver`] asks nothing itself: it says what has to be known, and is told.

use std::collections::HashMap;
use std::fmt;

use crate::model::{Install, InstallComponent};
use crate::watch::{Answer, Request};
use crate::{ApiError, ComponentId, InstallId, Line, RemoteText, Target};

/// Lists longer than this many pages of a hundred are not read.
const MOST_PAGES: u32 = 100;
/// Ids have 26 characters; those in examples can be shorter.
const SHORTEST_ID: usize = 20;
/// Of 23 random ones, at least so many are digits, but for one id in a hundred.
const FEWEST_DIGITS: usize = 2;
/// More names than this help nobody.
const MOST_NAMES: usize = 10;

/// What is to be waited for, as it was typed: by ids or by names.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Wanted {
    /// A component of an install.
    Component(InstallId, ComponentId),
    /// Every component of an install.
    Install(InstallId),
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Component(install, component) => write!(f, "{install}/{component}"),
            Self::Install(install) => write!(f, "every component of {install}"),
        }
    }
}

/// What a resolver needs, or has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// This has to be known.
    Ask(Request),
    /// These are the targets, in the order in which they were wanted.
    Targets(Vec<Target>),
    /// There is no such thing.
    Unknown(Unknown),
}

/// A name or an id that stands for nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Which of the things that are wanted, by its position.
    pub wanted: usize,
    /// What there is not, with what was perhaps meant.
    pub reason: Line,
    /// What the user can do.
    pub hint: &'static str,
}

/// Finds out which targets are meant.
///
/// ```
/// use nuon_gate_core::{Resolution, Resolver, Wanted};
///
/// let api = Wanted::Component("inlacme00000000000000000000".parse().unwrap(), "api".parse().unwrap());
/// let mut resolver = Resolver::new(vec![api]);
/// assert!(matches!(resolver.resolve(), Resolution::Ask(_)), "the id of a component has to be asked for by its name");
/// ```
#[derive(Debug)]
pub struct Resolver {
    wanted: Vec<Wanted>,
    /// Whether ids are believed without being asked for.
    trusting: bool,
    /// The ids of installs, by what was typed.
    ids: HashMap<InstallId, InstallId>,
    /// What is known of each install, by its id.
    installs: HashMap<InstallId, Known>,
    targets: Vec<Target>,
    /// How many of the things that are wanted have been resolved.
    done: usize,
    unknown: Option<Unknown>,
    /// An install that does not exist: only the names of those that do are missing.
    missing: Option<InstallId>,
}

/// What is known of an install.
#[derive(Debug)]
struct Known {
    id: InstallId,
    name: Option<RemoteText>,
    components: Vec<InstallComponent>,
    /// The page of its components to be read next; `None` after the last.
    page: Option<u32>,
}

impl Known {
    fn new(id: InstallId, name: Option<RemoteText>) -> Self {
        Self { id, name, components: Vec::new(), page: Some(1) }
    }

    fn target(&self, component: &InstallComponent) -> Option<Target> {
        let id = component.component_id.clone()?;
        Some(Target::new(self.id.clone(), id).named(self.name.as_ref(), component.name()))
    }
}

/// What one of the things that are wanted comes to.
enum Meaning {
    Ask(Request),
    Targets(Vec<Target>),
    Unknown(Line, &'static str),
}

impl Resolver {
    /// Begins with what is wanted.
    pub fn new(wanted: Vec<Wanted>) -> Self {
        let (ids, installs, targets) = (HashMap::new(), HashMap::new(), Vec::new());
        Self { wanted, trusting: true, ids, installs, targets, done: 0, unknown: None, missing: None }
    }

    /// Believes no id: whether all of it exists is known in the end.
    #[must_use]
    pub fn thorough(self) -> Self {
        Self { trusting: false, ..self }
    }

    /// Returns what is wanted.
    pub fn wanted(&self) -> &[Wanted] {
        &self.wanted
    }

    /// Says what has to be known next, or what it has come to.
    pub fn resolve(&mut self) -> Resolution {
        if self.missing.is_some() && self.unknown.is_none() {
            return Resolution::Ask(Request::Installs(1));
        }
        while self.unknown.is_none() && self.done < self.wanted.len() {
            match self.meaning(&self.wanted[self.done]) {
                Meaning::Ask(request) => return Resolution::Ask(request),
                Meaning::Targets(targets) => {
                    self.targets.extend(targets);
                    self.done += 1;
                }
                Meaning::Unknown(reason, hint) => {
                    self.unknown = Some(Unknown { wanted: self.done, reason, hint });
                }
            }
        }
        match &self.unknown {
            Some(unknown) => Resolution::Unknown(unknown.clone()),
            None => Resolution::Targets(self.targets.clone()),
        }
    }

    /// Takes in an answer.
    ///
    /// # Errors
    ///
    /// If it is none to what was asked.
    pub fn learn(&mut self, request: &Request, answer: Answer) -> Result<(), ApiError> {
        match (request, answer) {
            (Request::Install(typed), Answer::Install(install)) => self.learn_install(typed, install),
            (Request::InstallComponents(install, page), Answer::InstallComponents(found)) => {
                let known = self.installs.get_mut(install);
                if found.more && *page == MOST_PAGES {
                    let most = MOST_PAGES * 100;
                    return Err(ApiError::Undecodable(format!("the install has more than {most} components")));
                }
                if found.rows.iter().any(|row| row.component_id.is_none()) {
                    return Err(ApiError::Undecodable("a component has no id".to_owned()));
                }
                if let Some(known) = known.filter(|known| known.page == Some(*page)) {
                    known.components.extend(found.rows);
                    known.page = found.more.then_some(page + 1);
                }
                Ok(())
            }
            (Request::Installs(_), Answer::Installs(found)) => {
                let names: Vec<String> =
                    found.rows.iter().filter_map(|install| Some(text(install.name.as_ref()?))).collect();
                self.no_install(&names);
                Ok(())
            }
            _ => Err(ApiError::Undecodable("the answer is about something else".to_owned())),
        }
    }

    /// Takes in that something was asked for in vain, and tells whether that says something: what is not there is unknown,
    /// and whatever kept the names of all installs away, the one that was asked for is not among them.
    pub fn learn_error(&mut self, request: &Request, missing: bool) -> bool {
        match request {
            Request::Install(typed) if missing => self.missing = Some(typed.clone()),
            Request::InstallComponents(install, _) if missing => {
                self.missing = Some(install.clone());
                self.no_install(&[]);
            }
            Request::Installs(_) => self.no_install(&[]),
            _ => return false,
        }
        true
    }

    fn learn_install(&mut self, typed: &InstallId, install: Install) -> Result<(), ApiError> {
        let is_it =
            install.id.as_ref() == Some(typed) || install.name.as_ref().map(text).as_deref() == Some(typed.as_str());
        match install.id.filter(|_| is_it) {
            Some(id) => {
                self.ids.insert(typed.clone(), id.clone());
                self.installs.entry(id.clone()).or_insert_with(|| Known::new(id, install.name));
                Ok(())
            }
            None => Err(ApiError::Undecodable("the answer is about another install".to_owned())),
        }
    }

    fn no_install(&mut self, names: &[String]) {
        let Some(install) = self.missing.take() else { return };
        let words = format!("no install `{install}` in this organisation{}", suggestion(install.as_str(), names));
        let hint = "check --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) and --org-id (NUON_GATE_ORG_ID, NUON_ORG_ID)";
        self.unknown = Some(Unknown { wanted: self.done, reason: Line::new(words), hint });
    }

    fn meaning(&self, wanted: &Wanted) -> Meaning {
        let (Wanted::Component(typed, _) | Wanted::Install(typed)) = wanted;
        let believed = |text: &str, prefix: &str| self.trusting && is_id(text, prefix);
        let by_id = believed(typed.as_str(), "inl").then(|| Known::new(typed.clone(), None));
        let component_id = match wanted {
            Wanted::Component(_, component) if believed(component.as_str(), "cmp") => Some(component),
            Wanted::Component(..) | Wanted::Install(_) => None,
        };
        let known = match (self.ids.get(typed).and_then(|id| self.installs.get(id)), &by_id) {
            (Some(known), _) => known,
            // Nothing has to be asked for if both ids are there; that they exist is seen later.
            (None, Some(known)) if component_id.is_some() => known,
            (None, _) => return Meaning::Ask(Request::Install(typed.clone())),
        };
        match (wanted, component_id, known.page) {
            (_, Some(id), _) => {
                let target = Target::new(known.id.clone(), id.clone());
                Meaning::Targets(vec![target.named(known.name.as_ref(), None)])
            }
            (_, None, Some(page)) => Meaning::Ask(Request::InstallComponents(known.id.clone(), page)),
            (Wanted::Install(_), None, None) => {
                Meaning::Targets(known.components.iter().filter_map(|component| known.target(component)).collect())
            }
            (Wanted::Component(_, component), None, None) => by_name(known, typed, component),
        }
    }
}

fn by_name(known: &Known, install: &InstallId, typed: &ComponentId) -> Meaning {
    let is_it = |component: &&InstallComponent| {
        component.component_id.as_ref() == Some(typed) || component.name().map(text).as_deref() == Some(typed.as_str())
    };
    match known.components.iter().find(is_it).and_then(|component| known.target(component)) {
        Some(target) => Meaning::Targets(vec![target]),
        None => {
            let names: Vec<String> = known.components.iter().filter_map(|own| Some(text(own.name()?))).collect();
            let label = known.name.as_ref().map_or_else(|| install.to_string(), text);
            let words = format!("no component `{typed}` in install `{label}`{}", suggestion(typed.as_str(), &names));
            let hint = "check --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID) or --target";
            Meaning::Unknown(Line::new(words), hint)
        }
    }
}

fn text(name: &RemoteText) -> String {
    name.line(255).plain().to_owned()
}

/// Tells whether a text can only be an id: the prefix, and small letters and digits, of which random ones have some of both.
/// What is taken for a name although it is an id is found all the same, for one question more.
fn is_id(text: &str, prefix: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    text.starts_with(prefix) && text.len() >= SHORTEST_ID && plain && digits >= FEWEST_DIGITS
}

/// Names what was perhaps meant, or else what there is.
fn suggestion(typed: &str, names: &[String]) -> String {
    let typed = typed.to_lowercase();
    let alike = |name: &&String| {
        let name = name.to_lowercase();
        strsim::normalized_damerau_levenshtein(&typed, &name) >= 0.6 || name.contains(&typed) || typed.contains(&name)
    };
    let quoted =
        |names: &mut dyn Iterator<Item = &String>| names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let meant = quoted(&mut names.iter().filter(alike).take(3));
    match (meant.is_empty(), names.len()) {
        (false, _) => format!("; did you mean {meant}?"),
        (true, 1..=MOST_NAMES) => format!("; there is {}", quoted(&mut names.iter())),
        (true, _) => String::new(),
    }
}
