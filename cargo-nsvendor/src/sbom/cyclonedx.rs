//! CycloneDX 1.6 (ECMA-424), JSON: <https://cyclonedx.org/docs/1.6/json/>.
//!
//! The format has no kinds of dependencies. A component that is only used for building or testing has the `scope` `excluded`.
//! What has no field of its own is a property: `cargo-namespaces:namespace`, `…:signing-key`, `…:trusted`.

use serde_json::{Map, Value, json};

use super::license::License;
use super::{Bom, Component, Origin, Signed, TOOL, uuid};

pub fn document(bom: &Bom) -> Value {
    let content = content(bom);
    let mut document = Map::new();
    document.insert("$schema".to_owned(), json!("http://cyclonedx.org/schema/bom-1.6.schema.json"));
    document.insert("bomFormat".to_owned(), json!("CycloneDX"));
    document.insert("specVersion".to_owned(), json!("1.6"));
    document.insert("serialNumber".to_owned(), json!(format!("urn:uuid:{}", uuid(&content))));
    document.insert("version".to_owned(), json!(1));
    if let Value::Object(content) = content {
        document.extend(content);
    }
    Value::Object(document)
}

/// The identifier of the root if the project has several packages.
const WORKSPACE: &str = "workspace";

fn content(bom: &Bom) -> Value {
    let mut metadata = Map::new();
    if let Some(time) = bom.time {
        metadata.insert("timestamp".to_owned(), json!(time.to_string()));
    }
    metadata.insert(
        "tools".to_owned(),
        json!({ "components": [{ "type": "application", "name": TOOL, "version": env!("CARGO_PKG_VERSION") }] }),
    );
    let only = match bom.roots.as_slice() {
        [only] => Some(*only),
        _ => None,
    };
    let root = match only {
        Some(only) => component(&bom.components[only], "application"),
        None => json!({ "type": "application", "bom-ref": WORKSPACE, "name": bom.name }),
    };
    metadata.insert("component".to_owned(), root);
    let built_in = bom.built_in();
    let listed = (0..bom.components.len()).filter(|at| Some(*at) != only);
    let components: Vec<Value> = listed
        .map(|at| {
            let kind = if bom.roots.contains(&at) { "application" } else { "library" };
            let mut made = component(&bom.components[at], kind);
            if !bom.roots.contains(&at) {
                let scope = if built_in.contains(&at) { "required" } else { "excluded" };
                made["scope"] = json!(scope);
            }
            made
        })
        .collect();
    let mut graph: Vec<Value> = Vec::new();
    let id = |at: &usize| bom.components[*at].id.as_str();
    if only.is_none() {
        graph.push(json!({ "ref": WORKSPACE, "dependsOn": bom.roots.iter().map(id).collect::<Vec<_>>() }));
    }
    graph.extend(bom.components.iter().map(|component| {
        let needs: Vec<&str> = component.dependencies.iter().map(|(at, _)| id(at)).collect();
        json!({ "ref": component.id, "dependsOn": needs })
    }));
    json!({ "metadata": metadata, "components": components, "dependencies": graph })
}

fn component(component: &Component, kind: &str) -> Value {
    let mut made = Map::new();
    let mut put = |key: &str, value: Value| {
        made.insert(key.to_owned(), value);
    };
    put("type", json!(kind));
    put("bom-ref", json!(component.id));
    let facts = &component.facts;
    if !facts.authors.is_empty() {
        let authors: Vec<Value> = facts.authors.iter().map(|author| json!({ "name": author })).collect();
        put("authors", json!(authors));
    }
    put("name", json!(component.name));
    put("version", json!(component.version.to_string()));
    if let Some(description) = &facts.description {
        put("description", json!(description));
    }
    if let Some(digest) = &component.sha256 {
        put("hashes", json!([{ "alg": "SHA-256", "content": digest.to_string() }]));
    }
    match &facts.license {
        License::Expression(text) => put("licenses", json!([{ "expression": text }])),
        License::Text(text) => put("licenses", json!([{ "license": { "name": text } }])),
        License::File(path) => {
            put("licenses", json!([{ "license": { "name": format!("see `{path}` in the package") } }]));
        }
        License::Unknown => {}
    }
    if let Some(purl) = component.purl() {
        put("purl", json!(purl));
    }
    let references = references(component);
    if !references.is_empty() {
        put("externalReferences", json!(references));
    }
    if let Some(Signed { namespace, key, trusted }) = &component.signed {
        let property =
            |name: &str, value: &str| json!({ "name": format!("cargo-namespaces:{name}"), "value": value });
        put(
            "properties",
            json!([
                property("namespace", namespace),
                property("signing-key", key),
                property("trusted", trusted)
            ]),
        );
    }
    Value::Object(made)
}

fn references(component: &Component) -> Vec<Value> {
    let facts = &component.facts;
    let mut made = Vec::new();
    match &component.origin {
        Origin::Registry(Some(url)) => made.push(json!({ "type": "distribution", "url": url })),
        Origin::Git(location) => made.push(json!({ "type": "distribution", "url": location })),
        Origin::Registry(None) | Origin::Path => {}
    }
    let named =
        [("vcs", &facts.repository), ("website", &facts.homepage), ("documentation", &facts.documentation)];
    made.extend(
        named.iter().filter_map(|(kind, url)| url.as_ref().map(|url| json!({ "type": kind, "url": url }))),
    );
    made
}

#[cfg(test)]
mod tests {
    use super::super::testing::bom;
    use super::*;

    #[test]
    fn one_package_is_what_the_document_is_of() {
        let document = document(&bom());
        assert_eq!(document["metadata"]["component"]["name"], "app");
        assert!(document["metadata"].get("timestamp").is_none());
        let names: Vec<&str> =
            document["components"].as_array().unwrap().iter().map(|c| c["name"].as_str().unwrap()).collect();
        assert_eq!(names, ["itoa", "g_it", "hello"]);
        assert_eq!(document["dependencies"][0]["dependsOn"].as_array().unwrap().len(), 3);
        let hello = &document["components"][2];
        assert_eq!(hello["properties"][1]["value"], "KEY");
        assert_eq!(hello["licenses"][0]["expression"], "LicenseRef-house OR MIT");
        assert_eq!(document["components"][1]["licenses"][0]["license"]["name"], "mine");
        // For building by one, but part of what is built by another.
        let scopes = [0, 1, 2].map(|at| document["components"][at]["scope"].as_str().unwrap());
        assert_eq!(scopes, ["required", "excluded", "required"]);
        assert!(document["metadata"]["component"].get("scope").is_none());
    }

    #[test]
    fn a_workspace_has_a_root_of_its_own() {
        let mut bom = bom();
        bom.roots = vec![0, 2];
        let document = document(&bom);
        assert_eq!(document["metadata"]["component"]["bom-ref"], WORKSPACE);
        assert_eq!(document["components"].as_array().unwrap().len(), 4);
        assert_eq!(document["dependencies"][0]["dependsOn"].as_array().unwrap().len(), 2);
    }

    #[test]
    fn the_serial_number_follows_the_content() {
        let (one, mut other) = (bom(), bom());
        assert_eq!(document(&one), document(&other));
        other.components[1].sha256 = None;
        assert_ne!(document(&one)["serialNumber"], document(&other)["serialNumber"]);
    }
}
