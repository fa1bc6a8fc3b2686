//! Targets as they are typed.

use std::path::{Path, PathBuf};

use nuon_gate_core::api::{ApiError, Reply, Request};
use nuon_gate_core::input::lines;
use nuon_gate_core::pins::Pins;
use nuon_gate_core::resolve::{Ambiguous, NoComponents, Resolution, Resolver, Unfit, UnknownName, Wanted};
use nuon_gate_core::watch::Scope;
use nuon_gate_core::{BranchRef, InstallId, Labels, Target, Targets};

use crate::arguments::{PinArguments, TargetArguments};
use crate::input::Input;
use crate::lists::flatten;
use crate::reader::Reader;
use crate::trouble::Trouble;
use crate::typed::{TargetPair, TypedLabel};

/// What is waited for.
#[derive(Debug, Clone)]
pub(crate) enum TargetSettings {
    /// These, as typed.
    Wanted(TypedTargets),
    /// These, which are known.
    Known(Targets),
    /// Everything that the pinned workflow deploys, to one of these installs if there are any.
    OfWorkflow(Vec<InstallId>),
    /// Everything that a branch's run deploys.
    OfBranch(BranchRef),
}

impl TargetSettings {
    /// A workflow is enough if there is one, or may be one in a trigger's answer.
    pub(crate) fn new(arguments: TargetArguments, pins: &PinArguments) -> Result<Self, Trouble> {
        if let Some(run) = &pins.branch_run {
            return alone(&arguments, pins).map(|()| Self::OfBranch(run.0.clone()));
        }
        let no_component = arguments.component.is_empty()
            && arguments.install_label.is_empty()
            && !arguments.all_components
            && arguments.target.is_empty()
            && arguments.targets.is_empty()
            && arguments.targets_file.is_none();
        if no_component && (pins.workflow.is_some() || pins.trigger_response.is_some()) {
            return Ok(Self::OfWorkflow(flatten(arguments.install)));
        }
        TypedTargets::new(arguments).map(Self::Wanted)
    }

    /// Reads the file that lists targets, if there is one.
    pub(crate) async fn read(self, reader: &Reader) -> Result<Self, Trouble> {
        match self {
            Self::Wanted(typed) => Ok(Self::Wanted(TypedTargets { wanted: typed.read(reader).await?, file: None })),
            known => Ok(known),
        }
    }

    /// Returns the targets that are known without a request. Names are not resolved yet.
    pub(crate) fn known(&self) -> Vec<Target> {
        match self {
            Self::Known(targets) => targets.as_slice().to_vec(),
            Self::Wanted(typed) => match Resolver::new(typed.wanted.clone()).resolve() {
                Resolution::Targets(targets) => targets,
                _ => Vec::new(),
            },
            Self::OfWorkflow(_) | Self::OfBranch(_) => Vec::new(),
        }
    }

    /// Returns the scope of the watch.
    pub(crate) fn scope(self, pins: &Pins) -> Result<Scope, Trouble> {
        match (self, &pins.workflow) {
            (Self::Wanted(typed), _) => Ok(Scope::Wanted(typed.wanted)),
            (Self::Known(targets), _) => Ok(Scope::Targets(targets)),
            (Self::OfBranch(run), _) => Ok(Scope::Branch(run)),
            (Self::OfWorkflow(installs), Some(workflow)) => Ok(Scope::Workflow(workflow.clone(), installs)),
            (Self::OfWorkflow(_), None) => Err(no_component()),
        }
    }
}

/// Refuses flags that contradict a branch's run.
fn alone(targets: &TargetArguments, pins: &PinArguments) -> Result<(), Trouble> {
    let TargetArguments { targets, install, install_label, component, all_components, target, targets_file } = targets;
    let PinArguments { deploy, workflow, trigger_response, build, commit, after, since, .. } = pins;
    let others = [
        ("a target", !targets.is_empty()),
        ("--install", !install.is_empty()),
        ("--install-label", !install_label.is_empty()),
        ("--component", !component.is_empty()),
        ("--all-components", *all_components),
        ("--target", !target.is_empty()),
        ("--targets-file", targets_file.is_some()),
        ("--deploy", deploy.is_some()),
        ("--workflow", workflow.is_some()),
        ("--trigger-response", trigger_response.is_some()),
        ("--build", build.is_some()),
        ("--commit", commit.is_some()),
        ("--after", after.is_some()),
        ("--since", since.is_some()),
    ];
    match others.into_iter().find_map(|(flag, given)| given.then_some(flag)) {
        None => Ok(()),
        Some(flag) => Err(Trouble::new(format!("--branch-run (NUON_GATE_BRANCH_RUN) and {flag} exclude each other"))
            .hint("leave one of them out: the run says what it deploys, and where")),
    }
}

/// The targets that the user names.
#[derive(Debug, Clone)]
pub(crate) struct TypedTargets {
    pub(crate) wanted: Vec<Wanted>,
    /// A file that lists more, not read yet.
    file: Option<PathBuf>,
}

impl TypedTargets {
    /// Combines every install with every component, and adds whole targets.
    pub(crate) fn new(arguments: TargetArguments) -> Result<Self, Trouble> {
        let file = arguments.targets_file.clone();
        Ok(Self { wanted: typed(arguments)?, file })
    }

    /// Returns all of them.
    pub(crate) async fn read(self, reader: &Reader) -> Result<Vec<Wanted>, Trouble> {
        let Self { mut wanted, file } = self;
        if let Some(path) = file {
            wanted.extend(listed(&path, &reader.read(Input::Targets, &path).await?)?);
        }
        Ok(wanted)
    }
}

fn typed(arguments: TargetArguments) -> Result<Vec<Wanted>, Trouble> {
    let TargetArguments { targets, install, install_label, component, all_components, target, targets_file } =
        arguments;
    let labels = labels(flatten(install_label))?;
    let (installs, components) = (flatten(install), flatten(component));
    let whole: Vec<Wanted> = targets.into_iter().chain(flatten(target)).map(|pair| pair.0).collect();
    let is_whole = !whole.is_empty() || targets_file.is_some();
    if all_components && !components.is_empty() {
        return Err(Trouble::new("--all-components and --component (NUON_GATE_COMPONENT) exclude each other")
            .hint("leave one of them out"));
    }
    if labels.is_some() && !installs.is_empty() {
        let message = "--install-label (NUON_GATE_INSTALL_LABEL) and --install (NUON_GATE_INSTALL) exclude each other";
        return Err(Trouble::new(message).hint("leave one of them out"));
    }
    let no_installs = installs.is_empty() && labels.is_none();
    if no_installs && (!is_whole || all_components || !components.is_empty()) {
        let what = if components.is_empty() { "no install" } else { "no install for --component" };
        let hint = "give it with --install (NUON_GATE_INSTALL, NUON_INSTALL_ID) or --install-label, or whole targets with --target INSTALL/COMPONENT";
        return Err(Trouble::new(what).hint(hint));
    }
    if !no_installs && components.is_empty() && !all_components {
        return Err(no_component());
    }
    let of = |install: &InstallId| -> Vec<Wanted> {
        match all_components {
            true => vec![Wanted::Install(install.clone())],
            false => components.iter().map(|component| Wanted::Component(install.clone(), component.clone())).collect(),
        }
    };
    let named: Vec<Wanted> = installs.iter().flat_map(of).collect();
    let labelled = labels.map(|labels| Wanted::Labelled(labels, components));
    Ok(named.into_iter().chain(labelled).chain(whole).collect())
}

/// Returns the labels that every install has to have, if any are given.
fn labels(given: Vec<TypedLabel>) -> Result<Option<Labels>, Trouble> {
    let labels = Labels::new(given.into_iter().map(|label| label.0).collect());
    match labels.as_ref().and_then(Labels::contradiction) {
        Some(key) => {
            Err(Trouble::new(format!("label `{key}` of --install-label (NUON_GATE_INSTALL_LABEL) is given two values"))
                .hint("an install has to have all labels that are given: leave one of them out"))
        }
        None => Ok(labels),
    }
}

/// Why targets could not be resolved.
pub(crate) enum Unresolved {
    /// Something does not exist.
    Unknown(UnknownName),
    /// Two things have this name.
    Ambiguous(Ambiguous),
    /// No install has the labels.
    Unfit(Unfit),
    /// One of the installs has no components.
    Empty(NoComponents),
    /// There is no good answer.
    Unanswered(ApiError),
}

/// Resolves the targets; `ask` sends each request once.
pub(crate) async fn resolve(
    ask: impl AsyncFn(Request) -> Reply,
    resolver: &mut Resolver,
) -> Result<Vec<Target>, Unresolved> {
    loop {
        match resolver.resolve() {
            Resolution::Targets(targets) => return Ok(targets),
            Resolution::Unknown(_, unknown) => return Err(Unresolved::Unknown(unknown)),
            Resolution::Ambiguous(ambiguous) => return Err(Unresolved::Ambiguous(ambiguous)),
            Resolution::Unfit(unfit) => return Err(Unresolved::Unfit(unfit)),
            Resolution::Empty(empty) => return Err(Unresolved::Empty(empty)),
            Resolution::Ask(request) => {
                let accepted = match ask(request.clone()).await {
                    Ok(answer) => resolver.accept(&request, answer.fact),
                    Err(error) => Err(error),
                };
                if let Err(error) = accepted
                    && !resolver.on_error(&request, &error)
                {
                    return Err(Unresolved::Unanswered(error));
                }
            }
        }
    }
}

fn no_component() -> Trouble {
    Trouble::new("no component").hint(
        "give it with --component (NUON_GATE_COMPONENT, NUON_COMPONENT_ID), take them all with --all-components, or give \
         whole targets with --target INSTALL/COMPONENT",
    )
}

/// Takes a target from each line of a file.
fn listed(path: &Path, text: &str) -> Result<Vec<Wanted>, Trouble> {
    let lines = lines(text).enumerate().map(|(at, line)| (at + 1, line.split('#').next().unwrap_or_default().trim()));
    let pairs = lines.filter(|(_, line)| !line.is_empty()).map(|(at, line)| {
        let pair: Result<TargetPair, String> = line.parse();
        pair.map(|pair| pair.0).map_err(|error| Input::Targets.wrong(path, format!("line {at}: {error}")))
    });
    let pairs: Vec<Wanted> = pairs.collect::<Result<_, _>>()?;
    match pairs.is_empty() {
        true => Err(Input::Targets.wrong(path, "there are no targets in it")),
        false => Ok(pairs),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_is_a_target_however_it_ends() {
        for text in ["a/b # x\nc/d", "a/b # x\r\nc/d\r\n", "a/b # x\rc/d\r", "#\ra/b\r\r\nc/d"] {
            assert_eq!(listed(Path::new("t"), text).unwrap().len(), 2, "{text:?}");
        }
    }
}
