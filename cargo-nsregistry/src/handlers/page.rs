//! The page of a crate, for people. No script, and every text is escaped.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{Html, IntoResponse};
use cargo_namespaces::api::CrateInfo;
use cargo_namespaces::escape::escape;
use maud::{DOCTYPE, Markup, html};

use super::error::ApiError;
use super::info::{in_one, info};
use super::qualified;
use crate::registry::Registry;

/// What a browser lets the page do: nothing.
const POLICY: &str = "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'";

/// `GET /{namespace}/{crate}`: a page for people.
///
/// # Errors
/// There is no such crate,
pub async fn page(
    State(registry): State<Arc<Registry>>,
    Path((ns, krate)): Path<(String, String)>,
) -> Result<impl IntoResponse, ApiError> {
    let name = qualified(&registry, &ns, &krate)?;
    Ok(paged(&info(&registry, &name).await?))
}

/// `GET /crates/{namespace}%2F{crate}`: the same page.
///
/// # Errors
/// As [`page`].
pub async fn page_in_one(
    State(registry): State<Arc<Registry>>,
    Path(name): Path<String>,
) -> Result<impl IntoResponse, ApiError> {
    let name = in_one(&registry, &name)?;
    Ok(paged(&info(&registry, &name).await?))
}

fn paged(info: &CrateInfo) -> impl IntoResponse + use<> {
    let headers = [(header::CONTENT_SECURITY_POLICY, POLICY), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    (headers, Html(markup(info).into_string()))
}

/// A stranger's text reads in the direction in which it is written, and hides nothing; the template keeps it text.
fn markup(info: &CrateInfo) -> Markup {
    let name = escape(&info.name.display_both());
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                title { (name) }
            }
            body {
                h1 { (name) }
                @if info.name.namespace.is_mixed_script() {
                    p { strong { "This namespace mixes letters of several scripts. Is it the one that you mean?" } }
                }
                p { (escape(info.description.as_deref().unwrap_or_default())) }
                pre { "cargo nsadd " (info.name) }
                p { "Index: " code { (info.index) } }
                h2 { "Versions" }
                ul {
                    @for version in info.versions.iter().rev() {
                        li {
                            (version.version) @if version.yanked { " (yanked)" }
                            " " code { (version.cksum) }
                        }
                    }
                }
                h2 { "Owners" }
                ul {
                    @for owner in &info.owners { li { code { (owner) } } }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cargo_namespaces::name::QualifiedName;

    use super::*;

    fn page(description: &str) -> String {
        let name = QualifiedName::parse("serde.rs/hello").unwrap();
        let info = CrateInfo {
            index: "sparse+https://crates.example/index/serde.rs/".parse().unwrap(),
            description: Some(description.to_owned()),
            owners: Vec::new(),
            offered_to: None,
            versions: Vec::new(),
            history: Vec::new(),
            name,
        };
        markup(&info).into_string()
    }

    #[test]
    fn a_description_stays_text() {
        let text = page("<script>alert('x')</script>\u{1b}[31m & \"");
        assert!(
            text.contains("<p>&lt;script&gt;alert('x')&lt;/script&gt;\\u{1b}[31m &amp; &quot;</p>"),
            "{text}"
        );
        assert!(page("abc\u{202e}fed\u{200b}").contains("abc\\u{202e}fed\\u{200b}"));
        assert!(text.contains("<pre>cargo nsadd serde.rs/hello</pre>"), "{text}");
    }
}
