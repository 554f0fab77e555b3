//! Whether the index tells the truth about yanks.
//!
//! Cargo believes the `yanked` of an index line: who controls an index could have it pass a release over that nobody
//! withdrew, or take one that was withdrawn. So each line is compared with the statements that it carries, of which the
//! latest counts that was signed by a key which may yank the release.
//!
//! A statement that the index leaves out altogether is missed only where it was seen before: what an index file once
//! carried is [kept](cargo_namespaces::index::with_known_yanks) with it.

use super::check::Checked;
use super::run::Run;
use super::{Problem, ProblemKind};
use cargo_namespaces::integrity::latest_yank;
use cargo_namespaces::key::PublicKey;
use cargo_namespaces::statement::YankOperation;
use cargo_namespaces::trust::Note;

impl Run<'_> {
    /// Compares the lines that matter for a release that is trusted, signed by `key`, with what was signed about them.
    pub(super) fn look_at_yanks(&mut self, release: &Checked, key: &PublicKey) {
        let question = self.question(release);
        let mut found = Vec::new();
        for line in &release.yanks {
            let may = |other: &PublicKey| other == key || question.may_yank(other);
            let latest = latest_yank(line, &release.name, &release.index, may);
            let what = match latest.filter(|latest| latest.operation == YankOperation::Yank) {
                Some(yank) if !line.yanked => ProblemKind::YankHidden { key: yank.key, at: yank.at },
                None if line.yanked => ProblemKind::YankUnsigned,
                _ => continue,
            };
            found.push(Problem { subject: format!("{} v{}", release.name, line.vers), what });
        }
        for problem in found {
            if self.request.options.strict {
                // Two releases of one crate may have entered.
                if !self.problems.iter().any(|known| known.to_string() == problem.to_string()) {
                    self.problems.push(problem);
                }
                continue;
            }
            let note = Note { code: problem.code(), warning: true, text: problem.to_string() };
            if !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
    }
}
