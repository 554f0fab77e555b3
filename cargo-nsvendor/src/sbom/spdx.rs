//! SPDX 2.3 (ISO/IEC 5962 and later), JSON: <https://spdx.github.io/spdx-spec/v2.3/>.
//!
//! The format requires `created`. Without `SOURCE_DATE_EPOCH` it is the epoch, so that the same project gives the same document.
//! Who signed a package, and why that is trusted, is an annotation of the package.

use std::collections::BTreeSet;

use cargo_namespaces::digest::Digest;
use cargo_namespaces::time::Timestamp;
use serde_json::{Map, Value, json};

use super::license::License;
use super::{Bom, Component, Origin, Signed, TOOL, uuid};

/// The format's word for a value that is not known or not stated.
const NOTHING: &str = "NOASSERTION";

pub fn document(bom: &Bom) -> Value {
    let content = content(bom);
    let mut document = Map::new();
    let mut put = |key: &str, value: Value| {
        document.insert(key.to_owned(), value);
    };
    put("spdxVersion", json!("SPDX-2.3"));
    put("dataLicense", json!("CC0-1.0"));
    put("SPDXID", json!("SPDXRef-DOCUMENT"));
    put("name", json!(bom.name));
    put(
        "documentNamespace",
        json!(format!("https://spdx.org/spdxdocs/{}-{}", plain(&bom.name), uuid(&content))),
    );
    if let Value::Object(content) = content {
        document.extend(content);
    }
    Value::Object(document)
}

fn content(bom: &Bom) -> Value {
    let created = bom.time.unwrap_or(Timestamp::from_unix(0)).to_string();
    let tool = format!("Tool: {TOOL}-{}", env!("CARGO_PKG_VERSION"));
    let packages: Vec<Value> = bom
        .components
        .iter()
        .enumerate()
        .map(|(at, component)| package(component, bom.roots.contains(&at), &tool, &created))
        .collect();
    let relation = |from: &str, kind: &str, to: &str| json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to });
    let mut relations: Vec<Value> = bom
        .roots
        .iter()
        .map(|at| relation("SPDXRef-DOCUMENT", "DESCRIBES", &reference(&bom.components[*at])))
        .collect();
    for component in &bom.components {
        let from = reference(component);
        for (at, uses) in &component.dependencies {
            let to = reference(&bom.components[*at]);
            // The format has the special kinds in the other direction.
            for (is_used, one, kind, other) in [
                (uses.normal, &from, "DEPENDS_ON", &to),
                (uses.build, &to, "BUILD_DEPENDENCY_OF", &from),
                (uses.dev, &to, "DEV_DEPENDENCY_OF", &from),
            ] {
                if is_used {
                    relations.push(relation(one, kind, other));
                }
            }
        }
    }
    let mut content = Map::new();
    content.insert("creationInfo".to_owned(), json!({ "created": created, "creators": [tool] }));
    let own: BTreeSet<String> =
        bom.components.iter().flat_map(|component| component.facts.license.references()).collect();
    if !own.is_empty() {
        let extracted: Vec<Value> = own
            .into_iter()
            .map(|id| json!({ "licenseId": id, "extractedText": "The text is in the packages that name this licence." }))
            .collect();
        content.insert("hasExtractedLicensingInfos".to_owned(), json!(extracted));
    }
    content.insert("packages".to_owned(), json!(packages));
    content.insert("relationships".to_owned(), json!(relations));
    Value::Object(content)
}

fn package(component: &Component, is_root: bool, tool: &str, created: &str) -> Value {
    let mut made = Map::new();
    let mut put = |key: &str, value: Value| {
        made.insert(key.to_owned(), value);
    };
    put("SPDXID", json!(reference(component)));
    put("name", json!(component.name));
    put("versionInfo", json!(component.version.to_string()));
    let download = match &component.origin {
        Origin::Registry(Some(url)) => url,
        // The format cannot name a repository on the local disk.
        Origin::Git(url) if !url.starts_with("git+file:") => url,
        Origin::Registry(None) | Origin::Path | Origin::Git(_) => NOTHING,
    };
    put("downloadLocation", json!(download));
    put("filesAnalyzed", json!(false));
    put("supplier", json!(supplier(component)));
    if let Some(digest) = &component.sha256 {
        put("checksums", json!([{ "algorithm": "SHA256", "checksumValue": digest.to_string() }]));
    }
    put("licenseConcluded", json!(NOTHING));
    let (declared, comment) = match &component.facts.license {
        License::Expression(text) => (text.as_str(), None),
        License::Text(text) => (NOTHING, Some(format!("the package says: {text}"))),
        License::File(path) => (NOTHING, Some(format!("the package names the file {path}"))),
        License::Unknown => (NOTHING, None),
    };
    put("licenseDeclared", json!(declared));
    if let Some(comment) = comment {
        put("licenseComments", json!(comment));
    }
    put("copyrightText", json!(NOTHING));
    if let Some(description) = &component.facts.description {
        put("description", json!(description));
    }
    if let Some(homepage) = component.facts.homepage.as_ref().or(component.facts.repository.as_ref()) {
        put("homepage", json!(homepage));
    }
    put("primaryPackagePurpose", json!(if is_root { "APPLICATION" } else { "LIBRARY" }));
    if let Some(purl) = component.purl() {
        let reference = json!({ "referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl });
        put("externalRefs", json!([reference]));
    }
    if let Some(Signed { namespace, key, trusted }) = &component.signed {
        let comment = format!("namespace: {namespace}; signing key: {key}; trusted: {trusted}");
        put(
            "annotations",
            json!([{ "annotationType": "OTHER", "annotator": tool, "annotationDate": created, "comment": comment }]),
        );
    }
    Value::Object(made)
}

/// The namespace of a signed package. Who supplies other packages is not known.
fn supplier(component: &Component) -> String {
    component
        .signed
        .as_ref()
        .map_or(NOTHING.to_owned(), |signed| format!("Organization: {}", signed.namespace))
}

/// `SPDXRef-itoa-1.0.0-1a2b3c4d`: an identifier with letters, digits, `.` and `-` only, different for each package.
fn reference(component: &Component) -> String {
    let digest = Digest::of(component.id.as_bytes()).to_string();
    format!("SPDXRef-{}-{}-{}", plain(&component.name), plain(&component.version.to_string()), &digest[..8])
}

fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }).collect()
}

#[cfg(test)]
mod tests {
    use super::super::testing::bom;
    use super::*;

    #[test]
    fn every_package_is_there_once_and_is_reached() {
        let document = document(&bom());
        let packages = document["packages"].as_array().unwrap();
        let ids: BTreeSet<&str> =
            packages.iter().map(|package| package["SPDXID"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), 4);
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        assert!(ids.iter().all(|id| id.chars().all(allowed)), "{ids:?}");
        let relations = document["relationships"].as_array().unwrap();
        let kinds: Vec<&str> =
            relations.iter().map(|relation| relation["relationshipType"].as_str().unwrap()).collect();
        assert_eq!(
            kinds,
            [
                "DESCRIBES",
                "BUILD_DEPENDENCY_OF",
                "BUILD_DEPENDENCY_OF",
                "DEV_DEPENDENCY_OF",
                "DEPENDS_ON",
                "DEPENDS_ON"
            ]
        );
        assert_eq!(relations[1]["relatedSpdxElement"], packages[0]["SPDXID"]);
        assert!(
            relations.iter().all(|relation| ids.contains(relation["relatedSpdxElement"].as_str().unwrap()))
        );
        assert_eq!(document["creationInfo"]["created"], "1970-01-01T00:00:00Z");
        assert_eq!(document["hasExtractedLicensingInfos"][0]["licenseId"], "LicenseRef-house");
    }

    #[test]
    fn a_signed_package_says_so() {
        let mut bom = bom();
        bom.time = Some(Timestamp::from_unix(86_400));
        let document = document(&bom);
        let annotation = &document["packages"][3]["annotations"][0];
        assert_eq!(annotation["comment"], "namespace: a.example; signing key: KEY; trusted: pinned");
        assert_eq!(annotation["annotationDate"], "1970-01-02T00:00:00Z");
        assert_eq!(document["packages"][2]["licenseDeclared"], NOTHING);
        assert_eq!(document["packages"][2]["licenseComments"], "the package says: mine");
    }

    #[test]
    fn equal_names_from_two_places_have_two_identifiers() {
        let mut bom = bom();
        bom.components[2].name = "itoa".to_owned();
        assert_ne!(reference(&bom.components[1]), reference(&bom.components[2]));
    }
}
