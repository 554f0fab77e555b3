//! Reporting what a check finds: messages for people, and a line of JSON for each package.

use cargo_namespaces_cli::shell::{CliError, ExitCode, Shell};
use serde::Serialize;

use super::packages::PackageCheck;
use crate::compare::{Finding, FindingKind};
use crate::plan::{Package, Plan, SourceDir};
use crate::project::Project;
use crate::text::plural;
use crate::verify::{PackageReport, Verification};

/// Reports problems, and counts them.
#[derive(Debug)]
pub struct Tally<'a> {
    shell: &'a Shell,
    problems: usize,
    unchecked: usize,
    exit: Option<ExitCode>,
    /// Whether packages are .crate files, not directories.
    packed: bool,
}

/// One line with `--message-format json`.
#[derive(Debug, Serialize)]
struct CheckedPackage {
    #[serde(flatten)]
    package: PackageReport,
    /// `ok`, `differs`, `unchecked` or `failed`.
    outcome: &'static str,
    /// Whether the vendored files were compared with what was published.
    compared: bool,
    problems: Vec<ReportedProblem>,
}

#[derive(Debug, Serialize)]
struct ReportedProblem {
    #[serde(skip_serializing_if = "String::is_empty")]
    path: String,
    code: &'static str,
    message: String,
}

/// The last line.
#[derive(Debug, Serialize)]
struct Finished {
    success: bool,
    packages: usize,
    unchecked: usize,
    problems: usize,
}

impl<'a> Tally<'a> {
    pub fn new(shell: &'a Shell) -> Self {
        Self { shell, problems: 0, unchecked: 0, exit: None, packed: false }
    }

    /// Packages are .crate files from now on.
    pub fn of_local_registry(&mut self) {
        self.packed = true;
    }

    /// Reports a problem.
    pub fn problem(&mut self, error: &CliError) {
        self.problems += 1;
        self.shell.report(error);
        self.exit = Some(weighed(self.exit, error.exit()));
    }

    /// Reports what could not be checked.
    pub fn unchecked(&mut self, what: &str) {
        self.unchecked += 1;
        self.shell.warn(format!("could not be checked: {what}"));
    }

    /// Reports the result for one package.
    pub fn package(
        &mut self,
        project: &Project,
        verification: &Verification,
        source: &SourceDir,
        package: &Package,
        outcome: &PackageCheck,
    ) {
        let name = source.describe(package);
        match outcome {
            PackageCheck::Good { .. } => {}
            PackageCheck::Unchecked(why) => self.unchecked(&format!("{name}, {why}")),
            PackageCheck::Failed(error) => self.problem(error),
            PackageCheck::Differs(findings) => {
                self.problem(&differs(&name, project, source, package, findings, self.packed));
            }
        }
        let line = CheckedPackage {
            package: verification.describe(source, package),
            outcome: match outcome {
                PackageCheck::Good { .. } => "ok",
                PackageCheck::Unchecked(_) => "unchecked",
                PackageCheck::Failed(_) => "failed",
                PackageCheck::Differs(_) => "differs",
            },
            compared: matches!(outcome, PackageCheck::Good { vendored: true } | PackageCheck::Differs(_)),
            problems: problems(outcome),
        };
        self.shell.json("checked-package", &line);
    }

    /// Reports the end. Returns the exit code.
    pub fn finish(&mut self, plan: &Plan, namespaced: usize, about_files: &str, strict: bool) -> ExitCode {
        if strict && self.unchecked > 0 {
            let count = self.unchecked;
            let message = format!("{count} {} could not be checked", plural(count, "thing"));
            self.problem(
                &CliError::new(ExitCode::Unreachable, message)
                    .hint("run it with network access, or with a cache that holds the archives"),
            );
        }
        let packages = plan.packages().count();
        let Self { shell, problems, unchecked, exit, .. } = *self;
        shell.json("check-finished", &Finished { success: exit.is_none(), packages, unchecked, problems });
        let Some(exit) = exit else {
            let count = format!("{packages} {}", plural(packages, "package"));
            let verified = if namespaced > 0 {
                format!(", {namespaced} of them namespaced, verified and trusted")
            } else {
                String::new()
            };
            shell.status("Checked", format!("{count}{verified}; {about_files}"));
            return ExitCode::Ok;
        };
        shell.error(format!(
            "the check found {problems} {}; nothing was changed",
            plural(problems, "problem")
        ));
        exit
    }
}

/// The exit code after one more problem. Something refused counts most; otherwise the first problem counts.
fn weighed(before: Option<ExitCode>, now: ExitCode) -> ExitCode {
    match before {
        Some(before) if now != ExitCode::Refused => before,
        _ => now,
    }
}

fn differs(
    name: &str,
    project: &Project,
    source: &SourceDir,
    package: &Package,
    findings: &[Finding],
    packed: bool,
) -> CliError {
    // Packages from git are unpacked in every form.
    let packed = packed && package.checksum.is_some();
    let below = if packed { source.dir.clone() } else { source.path_of(package) };
    let directory = format!("{}/{below}", project.shown_target());
    let error = CliError::new(ExitCode::Refused, format!("the vendored {name} is not what was published"));
    let error = if packed || project.target.join(&source.dir).join(package.dir()).exists() {
        let text = |finding: &Finding| format!("{directory}/{} {}", finding.path, finding.kind.text());
        findings.iter().fold(error, |error, finding| error.because(text(finding)))
    } else {
        error.because(format!("{directory} {}", FindingKind::Missing.text()))
    };
    error.hint("find out who changed it; `cargo nsvendor` restores it; to change a dependency, use `[patch]`")
}

fn problems(outcome: &PackageCheck) -> Vec<ReportedProblem> {
    let one = |code, message| vec![ReportedProblem { path: String::new(), code, message }];
    match outcome {
        PackageCheck::Good { .. } => Vec::new(),
        PackageCheck::Unchecked(why) => one("unchecked", (*why).to_owned()),
        PackageCheck::Failed(error) => one("archive", error.to_string()),
        PackageCheck::Differs(findings) => findings
            .iter()
            .map(|finding| ReportedProblem {
                path: finding.path.clone(),
                code: finding.kind.code(),
                message: finding.kind.text().to_owned(),
            })
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_refused_weighs_most_and_then_what_came_first() {
        use ExitCode::{Failure, Refused, Unreachable};
        assert_eq!(weighed(None, Unreachable), Unreachable);
        assert_eq!(weighed(Some(Unreachable), Failure), Unreachable);
        assert_eq!(weighed(Some(Unreachable), Refused), Refused);
        assert_eq!(weighed(Some(Refused), Unreachable), Refused);
    }
}
