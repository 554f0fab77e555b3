//! What a line and a file of lines may hold.

use semver::Version;

use super::*;

const LINE: &str = r#"{"name":"demo","vers":"1.0.0","deps":[],"cksum":"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","features":{},"yanked":false}"#;

fn with_dep(dep: &str) -> String {
    LINE.replace("\"deps\":[]", &format!("\"deps\":[{dep}]"))
}

#[test]
fn a_line_is_read_as_cargo_reads_it() {
    let line = IndexLine::parse(LINE).unwrap();
    assert_eq!(line.to_line(), LINE);
    let defaults = IndexLine::parse(&with_dep(r#"{"name":"x","req":"1"}"#)).unwrap();
    let dep = &defaults.deps[0];
    assert!(dep.default_features && !dep.optional && dep.kind == DependencyKind::Normal);
    let nulls = r#"{"name":"x","req":"1","target":null,"kind":null,"registry":null,"package":null}"#;
    assert_eq!(IndexLine::parse(&with_dep(nulls)).unwrap(), defaults);
    let unknown = LINE.replace("\"features\"", "\"from_the_future\":{\"a\":[1]},\"features\"");
    assert_eq!(IndexLine::parse(&unknown).unwrap(), line);
    let nulls =
        LINE.replace("\"yanked\":false", "\"yanked\":null,\"links\":null,\"features2\":null,\"v\":null");
    assert_eq!(IndexLine::parse(&nulls).unwrap(), line);
}

#[test]
fn lines_that_are_refused() {
    let dep = |text: &str| IndexLine::parse(&with_dep(text)).unwrap_err().to_string();
    assert!(dep(r#"{"name":"x","req":"1","artifact":["bin"]}"#).contains("artifact dependency"));
    assert!(dep(r#"{"name":"x","req":"1","lib":true}"#).contains("artifact dependency"));
    assert!(dep(r#"{"name":"x","req":"1","kind":"other"}"#).contains("unknown variant"));
    assert!(dep(r#"{"name":"x","req":"1","req":"2"}"#).contains("duplicate field"));
    assert!(dep(r#"{"name":"../x","req":"1"}"#).contains("the dependency name"));
    assert!(dep(r#"{"name":"x","req":"what"}"#).contains("the version requirement"));
    assert!(dep(r#"{"name":"x","req":"1","target":"cfg(("}"#).contains("the target"));
    let line = |from: &str, to: &str| IndexLine::parse(&LINE.replace(from, to)).unwrap_err().to_string();
    assert!(line("\"features\":{}", "\"features\":{\"a\":[\"x y\"]}").contains("the feature value"));
    assert!(line("1.0.0", "1.0").contains("failed to parse the line"));
    assert!(line("demo", "../../etc").contains("not a crate name"));
    assert!(line("\"yanked\"", "\"links\":\"a\\nb\",\"yanked\"").contains("`links`"));
}

#[test]
fn a_later_schema_is_skipped_and_kept() {
    let later = LINE.replace("\"deps\":[]", "\"v\":3,\"deps\":\"changed\"");
    assert!(matches!(IndexLine::parse(&later), Err(LineError::Schema(3))));
    let text = format!("{later}\n{}\n", LINE.replace("1.0.0", "1.0.1"));
    assert_eq!(parse_index_file(text.as_bytes()).unwrap().len(), 1);
    let mut file = IndexFile::parse(text.as_bytes()).unwrap();
    let mut line = file.get(&Version::new(1, 0, 1)).unwrap().clone();
    line.yanked = true;
    file.put(line);
    file.put(IndexLine::parse(LINE).unwrap());
    let yanked = LINE.replace("1.0.0", "1.0.1").replace("false", "true");
    assert_eq!(file.to_string(), format!("{later}\n{yanked}\n{LINE}\n"));
}

#[test]
fn files_that_are_refused() {
    let twice = format!("{LINE}\n{LINE}\n");
    assert!(parse_index_file(twice.as_bytes()).unwrap_err().to_string().contains("again"));
    let broken = format!("{LINE}\n\n{{\n");
    assert!(parse_index_file(broken.as_bytes()).unwrap_err().to_string().starts_with("line 3"));
    assert!(matches!(parse_index_file(b"\xff"), Err(IndexFileError::NotUtf8)));
    assert!(parse_index_file(b"").unwrap().is_empty());
}
