//! `cargo xtask bench registry` on a small scale: that it measures all that it is read for. Nothing here looks at a figure.

use namespace_bench::{Scale, registry_at};

#[test]
fn the_registrys_measurements_have_their_fields() {
    let json = registry_at(Scale::SMALL).to_json();
    let object: serde_json::Map<String, serde_json::Value> = serde_json::from_str(&json).unwrap();
    for field in [
        "index_vs_nginx",
        "not_modified_vs_nginx",
        "publishes_per_second",
        "publish_p99_ms",
        "resident_mib_1m_versions",
        "startup_s",
        "fdatasyncs_per_second_1",
    ] {
        let value = object.get(field).and_then(serde_json::Value::as_f64);
        assert!(value.is_some_and(|value| value > 0.0), "{field} in:\n{json}");
    }
    assert_eq!(object["publishes"], 32.0, "4 crates with 8 further releases each");
    assert_eq!(object["generated_versions"], 10_000.0);
}
