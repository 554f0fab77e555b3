//! Gathering and judging. What is wrong is collected, so that the user hears of everything at once.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;

use super::plan::passed_over;
use super::state::{Checked, Registry, Run};
use super::{
    Claim, Group, NewPin, Plan, Problem, ProblemKind, Refused, Report, Request, SourceError, Sources,
    Verified, plan,
};
use crate::interrupt;
use cargo_namespaces::domain_view::DomainView;
use cargo_namespaces::index::IndexConfig;
use cargo_namespaces::name::{IndexUrl, Namespace};
use cargo_namespaces::token::Scope;
use cargo_namespaces::trust::{Accepted, Decision, Note, Question, TrustBasis, check_index, decide};

/// Verifies everything namespaced in the lock file.
///
/// # Errors
/// [`Refused`] with every problem, when there is one.
pub fn verify(request: &Request<'_>, sources: &dyn Sources) -> Result<Report, Refused> {
    let Plan { groups, problems, notes } = plan(request);
    let mut run =
        Run { request, sources, problems, notes, views: BTreeMap::new(), report: Report::default() };
    run.views.extend(request.views.iter().map(|view| (view.namespace().clone(), view.clone())));
    let registries = run.whose(groups);
    let to_ask = run.domains_to_ask(registries.iter().map(|registry| &registry.namespace));
    // The domains are asked while the indexes are read: neither needs the other.
    let (views, checked) = thread::scope(|scope| {
        let views = scope.spawn(|| sources.domains(&to_ask));
        let checked = run.check(&registries);
        (views.join().expect("asking domains does not panic"), checked)
    });
    if interrupt::is_set() {
        let problem = Problem { subject: "verification".to_owned(), what: ProblemKind::Interrupted };
        return Err(Refused { problems: vec![problem], notes: Vec::new() });
    }
    run.take_views(views);
    run.look_at_new_names(&registries);
    run.dependency_registries(&registries, &checked);
    for release in checked {
        run.judge(release);
    }
    run.note_unreachable(&registries);
    run.finish()
}

impl Run<'_> {
    /// Finds the namespace of each registry; those without one are passed over or refused.
    fn whose(&mut self, groups: Vec<Group>) -> Vec<Registry> {
        let unknown: Vec<IndexUrl> = groups
            .iter()
            .filter(|group| matches!(group.claim, Claim::Ask { .. }))
            .map(|group| group.index.clone())
            .collect();
        let mut configs = self.ask_configs(&unknown).into_iter();
        let mut registries = Vec::new();
        for Group { index, claim, releases } in groups {
            let namespace = match claim {
                Claim::Of(namespace) => Some(namespace),
                Claim::Ask { configured } => {
                    let config = configs.next().expect("one answer a question");
                    self.claimed(&index, config, configured, releases.len())
                }
            };
            if let Some(namespace) = namespace {
                registries.push(Registry { index, namespace, releases });
            }
        }
        registries
    }

    pub(super) fn ask_configs(&self, indexes: &[IndexUrl]) -> Vec<Result<IndexConfig, SourceError>> {
        if indexes.is_empty() { Vec::new() } else { self.sources.configs(indexes) }
    }

    /// Whose an index says it is; that it may say so is decided later, with the domain's word.
    fn claimed(
        &mut self,
        index: &IndexUrl,
        config: Result<IndexConfig, SourceError>,
        configured: bool,
        count: usize,
    ) -> Option<Namespace> {
        let reason = match config {
            Ok(IndexConfig { namespace: Some(namespace), .. }) => {
                return match namespace.check_special_use(self.request.special_use) {
                    Ok(()) => Some(namespace),
                    Err(error) => {
                        self.problem(index.to_string(), ProblemKind::Name(error));
                        None
                    }
                };
            }
            Ok(_) => "its config.json names no namespace".to_owned(),
            Err(SourceError::NeedsToken { .. } | SourceError::Absent) if configured => String::new(),
            Err(error @ (SourceError::NeedsToken { .. } | SourceError::Absent)) => {
                format!("its config.json: {error}")
            }
            Err(error) => {
                self.unavailable(index.to_string(), "its config.json", error);
                return None;
            }
        };
        if configured {
            self.notes.push(passed_over(index.as_str(), count));
        } else {
            self.problem(index.to_string(), ProblemKind::UnknownRegistry { count, reason });
        }
        None
    }

    /// The namespaces that are still to be asked: none offline.
    pub(super) fn domains_to_ask<'n>(
        &self,
        namespaces: impl Iterator<Item = &'n Namespace>,
    ) -> Vec<Namespace> {
        let namespaces: BTreeSet<&Namespace> = namespaces.filter(|ns| !self.views.contains_key(ns)).collect();
        if self.request.offline { Vec::new() } else { namespaces.into_iter().cloned().collect() }
    }

    pub(super) fn take_views(&mut self, views: Vec<DomainView>) {
        self.views.extend(views.into_iter().map(|view| (view.namespace().clone(), view)));
    }

    /// Warns of namespaces that are new to the project and look like something else.
    fn look_at_new_names(&mut self, registries: &[Registry]) {
        for namespace in registries.iter().map(|registry| &registry.namespace).collect::<BTreeSet<_>>() {
            if self.request.trust_file.namespaces.contains_key(namespace) {
                continue;
            }
            let both = namespace.display_both();
            if namespace.is_mixed_script() {
                let text = format!("{both} mixes scripts: look twice whether it is the domain that you mean");
                self.notes.push(Note { code: "mixed-script", warning: true, trusted: None, text });
            }
            for known in self.request.trust_file.namespaces.keys().filter(|known| known.looks_like(namespace))
            {
                let text =
                    format!("{both} looks like {}, which the project uses already", known.display_both());
                self.notes.push(Note { code: "look-alike", warning: true, trusted: None, text });
            }
        }
    }

    /// Puts one release before the trust table.
    fn judge(&mut self, release: Checked) {
        let subject = format!("{} v{}", release.name, release.wanted.version);
        match self.decision(&release) {
            None => {
                if let Err(what) = release.verified {
                    self.problem(subject, what);
                }
            }
            Some(Decision::Accept(accepted)) => {
                self.look_at_yanks(&release, &accepted.key);
                self.accept(release, accepted);
            }
            Some(Decision::Refuse(reason)) => self.problem(subject, ProblemKind::Untrusted(reason)),
            Some(Decision::Stop(reason)) => self.problem(subject, ProblemKind::Stopped(reason)),
        }
    }

    /// What the trust table is asked about a release.
    pub(super) fn question<'q>(&'q self, release: &'q Checked) -> Question<'q> {
        let namespace = &release.name.namespace;
        Question {
            name: &release.name,
            version: &release.wanted.version,
            entering: release.wanted.entering,
            index: &release.index,
            signers: release
                .verified
                .as_ref()
                .map(|verified| verified.signers.as_slice())
                .unwrap_or_default(),
            pins: self.request.trust_file.namespaces.get(namespace),
            view: self.views.get(namespace),
            now: self.request.now,
            options: self.request.options,
        }
    }

    /// What the trust table says; nothing about a release that is not verified.
    fn decision(&self, release: &Checked) -> Option<Decision> {
        let question = self.question(release);
        match &release.verified {
            Ok(_) => Some(decide(&question)),
            // A copy under another URL carries no signature that is bound to it. That the registry is the wrong one is
            // the cause, and says more.
            Err(what) if what.is_signature() => check_index(&question),
            Err(_) => None,
        }
    }

    fn accept(&mut self, release: Checked, accepted: Accepted) {
        let Accepted { key, how, pins, notes } = accepted;
        let Checked { name, wanted, index, line, .. } = release;
        let known = self.request.trust_file.namespaces.get(&name.namespace);
        if known.is_some_and(|known| known.index != index) {
            self.report.moved.insert(name.namespace.clone(), index.clone());
        }
        for (key, scope) in pins {
            let (namespace, index) = (name.namespace.clone(), index.clone());
            self.report.new_pins.push(NewPin { namespace, index, key, scope });
        }
        let (version, entering, digest) = (wanted.version, wanted.entering, line.cksum);
        self.report.releases.push(Verified { name, version, index, digest, entering, key, how, notes });
    }

    /// Says what could not be asked, where no release says it already.
    fn note_unreachable(&mut self, registries: &[Registry]) {
        if self.request.offline && !registries.is_empty() {
            let text = "offline: revoked keys and changes at the domains were not checked".to_owned();
            self.notes.push(Note { code: "offline", warning: false, trusted: None, text });
        }
        for namespace in registries.iter().map(|registry| &registry.namespace).collect::<BTreeSet<_>>() {
            let said = |release: &&Verified| {
                release.name.namespace == *namespace && release.how == TrustBasis::PinnedDomainUnreachable
            };
            let Some(reason) = self.views.get(namespace).and_then(DomainView::failures) else { continue };
            if self.report.releases.iter().find(said).is_none() {
                let domain = namespace.display_both();
                let text = format!("some records of {domain} are unreachable: {reason}");
                self.notes.push(Note { code: "domain-partly-silent", warning: false, trusted: None, text });
            }
        }
    }

    fn finish(mut self) -> Result<Report, Refused> {
        if !self.problems.is_empty() {
            self.problems.sort_by(|a, b| a.subject.cmp(&b.subject));
            return Err(Refused { problems: self.problems, notes: self.notes });
        }
        for (namespace, pins) in &self.request.trust_file.namespaces {
            let Some(view) = self.views.get(namespace) else { continue };
            for (key, _) in &pins.trusted {
                if view.revocation_of(key, &pins.index).is_some() {
                    self.report.revoked.insert((namespace.clone(), *key));
                }
            }
        }
        self.report.releases.sort_by(|a, b| (&a.name, &a.version).cmp(&(&b.name, &b.version)));
        self.report.new_pins = without_covered(self.report.new_pins);
        self.report.notes = self.notes;
        Ok(self.report)
    }
}

/// The pins, each once, without those for a crate whose key is pinned for the whole namespace as well.
fn without_covered(pins: Vec<NewPin>) -> Vec<NewPin> {
    let all: BTreeSet<NewPin> = pins.into_iter().collect();
    let covered = |pin: &NewPin| {
        let whole = Scope::Namespace(pin.namespace.clone());
        pin.scope != whole && all.contains(&NewPin { scope: whole, ..pin.clone() })
    };
    all.iter().filter(|pin| !covered(pin)).cloned().collect()
}
