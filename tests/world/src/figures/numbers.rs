//! What a measurement comes to: named numbers, in order, as text and as one flat JSON object.

use std::time::Duration;

/// Fields in the order in which they were put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Numbers(Vec<(String, f64)>);

impl Numbers {
    /// Adds a field.
    pub fn put(&mut self, name: &str, value: f64) {
        self.0.push((name.to_owned(), value));
    }

    /// Adds the fields of another measurement.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// Whether nothing was measured.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A field, if it is there.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<f64> {
        self.0.iter().find(|(field, _)| field == name).map(|(_, value)| *value)
    }

    /// One flat object of numbers, rounded to a thousandth.
    #[must_use]
    pub fn to_json(&self) -> String {
        let rounded = |value: f64| serde_json::json!((value * 1000.0).round() / 1000.0);
        let object: serde_json::Map<_, _> =
            self.0.iter().map(|(name, value)| (name.clone(), rounded(*value))).collect();
        format!("{:#}\n", serde_json::Value::Object(object))
    }
}

impl std::fmt::Display for Numbers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name:<24} {value:>12.3}"))
    }
}

/// The middle value, in milliseconds; of an even number of values the mean of the two in the middle.
///
/// # Panics
///
/// When there are none.
#[must_use]
pub fn median_ms(times: &[Duration]) -> f64 {
    median(&times.iter().map(|time| time.as_secs_f64() * 1000.0).collect::<Vec<_>>())
}

/// The middle value.
///
/// # Panics
///
/// When there are none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    if sorted.len() % 2 == 1 { sorted[middle] } else { f64::midpoint(sorted[middle - 1], sorted[middle]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-9);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-9);
        assert!((median_ms(&[Duration::from_millis(5)]) - 5.0).abs() < 1e-9);
    }

    #[test]
    fn numbers_become_one_flat_object() {
        let mut numbers = Numbers::default();
        numbers.put("ratio", 1.23456);
        numbers.put("pairs", 15.0);
        assert_eq!(numbers.to_json(), "{\n  \"ratio\": 1.235,\n  \"pairs\": 15.0\n}\n");
        assert_eq!(numbers.get("pairs"), Some(15.0));
    }
}
