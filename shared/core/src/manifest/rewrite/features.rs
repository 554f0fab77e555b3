//! Features that name dependencies: `[features]`, `required-features`, docs.rs' `features`.

use super::super::notation::{FeatureRef, feature_lists};
use super::plan::Plan;
use super::{Job, Problem, RewriteError, refuse};
use crate::toml_text::{Position, Value, join, path, quoted};

impl Job<'_, '_> {
    pub(super) fn rewrite_features(&mut self, plan: &Plan) -> Result<(), RewriteError> {
        let table = path(["features"]);
        for feature in self.nodes.children(&table) {
            let at = join(&table, feature);
            if let Some(reference) = FeatureRef::parse(feature) {
                let position = self.position(&at);
                let key = self.key_of(plan, &reference, feature, position)?;
                let name = reference.with_key(&key);
                if self.nodes.has(&join(&table, &name)) {
                    let problem = Problem::FeatureTaken { feature: feature.to_owned(), key: name };
                    return refuse(position, problem);
                }
                self.editor.rename(&at, &name, "the feature of a dependency");
            }
            if let Some(list) = self.nodes.value(&at) {
                self.rewrite_list(list, plan)?;
            }
        }
        for list in feature_lists(self.nodes) {
            self.rewrite_list(list, plan)?;
        }
        Ok(())
    }

    fn rewrite_list(&mut self, list: &Value, plan: &Plan) -> Result<(), RewriteError> {
        for value in list.as_array().unwrap_or_default() {
            let Some(entry) = value.as_str() else { continue };
            let Some(mut reference) = FeatureRef::parse(entry) else { continue };
            let position = self.position_at(value.span.start);
            let key = self.key_of(plan, &reference, entry, position)?;
            // `serde.rs/serde-abc` turns the dependency on. As `serde-abc` it would mean the feature of that name, where
            // the author made one.
            let features = path(["features"]);
            let shadowed =
                self.nodes.has(&join(&features, &key)) && !self.nodes.has(&join(&features, reference.name));
            reference.dep |= reference.feature.is_none() && shadowed;
            self.editor.replace_value(value, quoted(&reference.with_key(&key)), "the dependency's key");
        }
        Ok(())
    }

    fn key_of(
        &self,
        plan: &Plan,
        reference: &FeatureRef<'_>,
        entry: &str,
        position: Position,
    ) -> Result<String, RewriteError> {
        let name = self.qualified(position, reference.name)?;
        match plan.key_of(&name, self.context) {
            Some(key) => Ok(key.to_owned()),
            None => refuse(position, Problem::UnknownDependency { entry: entry.to_owned() }),
        }
    }
}
