//! PAX records, which some tars write before an entry: `<length> <key>=<value>\n`.
//!
//! Only the path is taken from them. The standard reads them by their lengths; Cargo reads them line by line. Where the two see
//! different things, or another reader could, the archive is refused.

/// What PAX records say about the entry behind them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Pax {
    /// Its path.
    pub path: Option<Vec<u8>>,
    /// Its size.
    pub size: Option<u64>,
}

type Record<'a> = (&'a [u8], &'a [u8]);

impl Pax {
    /// Reads records.
    ///
    /// # Errors
    /// Where readers would disagree, as the end of a sentence about the header.
    pub(super) fn parse(text: &[u8]) -> Result<Self, &'static str> {
        let records = by_length(text).ok_or("is malformed")?;
        let lines: Vec<Record<'_>> = text.split(|&byte| byte == b'\n').filter_map(line).collect();
        // Of a sparse file, the content in the archive is not the content of the file.
        if records.iter().any(|(key, _)| key.starts_with(b"GNU.sparse.") || *key == b"SCHILY.realsize") {
            return Err("belongs to a sparse file");
        }
        let path = agreed(&records, &lines, b"path")?;
        let size = agreed(&records, &lines, b"size")?;
        let number = |text: &[u8]| std::str::from_utf8(text).ok()?.parse().ok();
        let size = size.map(|text| number(text).ok_or("states a size that is no number")).transpose()?;
        Ok(Self { path: path.map(<[u8]>::to_vec), size })
    }
}

/// The one value of a key in both readings.
fn agreed<'a>(
    records: &[Record<'a>],
    lines: &[Record<'a>],
    key: &[u8],
) -> Result<Option<&'a [u8]>, &'static str> {
    let mut values = records.iter().chain(lines).filter(|(found, _)| *found == key).map(|(_, value)| *value);
    let first = values.next();
    let once = |records: &[Record<'_>]| records.iter().filter(|(found, _)| *found == key).count();
    if values.any(|value| Some(value) != first) || once(records) != once(lines) {
        return Err("can be read in two ways");
    }
    Ok(first)
}

/// As the standard has it.
fn by_length(mut text: &[u8]) -> Option<Vec<Record<'_>>> {
    let mut records = Vec::new();
    while !text.is_empty() {
        let space = text.iter().position(|&byte| byte == b' ')?;
        let length = length(&text[..space])?;
        if length <= space || length > text.len() {
            return None;
        }
        let (record, rest) = text.split_at(length);
        records.push(key_value(record[space + 1..].strip_suffix(b"\n")?)?);
        text = rest;
    }
    Some(records)
}

/// As Cargo has it: a line whose length is right.
fn line(line: &[u8]) -> Option<Record<'_>> {
    let space = line.iter().position(|&byte| byte == b' ')?;
    (length(&line[..space])? == line.len() + 1).then(|| key_value(&line[space + 1..])).flatten()
}

fn length(digits: &[u8]) -> Option<usize> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

fn key_value(record: &[u8]) -> Option<Record<'_>> {
    let equals = record.iter().position(|&byte| byte == b'=')?;
    Some((&record[..equals], &record[equals + 1..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(text: &str) -> String {
        let mut length = text.len() + 3;
        while format!("{length} {text}\n").len() != length {
            length += 1;
        }
        format!("{length} {text}\n")
    }

    #[test]
    fn a_path_and_a_size_are_read() {
        let text = record("mtime=1.5") + &record("path=demo-1.0.0/x") + &record("size=7");
        let pax = Pax::parse(text.as_bytes()).unwrap();
        assert_eq!((pax.path.as_deref(), pax.size), (Some(&b"demo-1.0.0/x"[..]), Some(7)));
        assert_eq!(Pax::parse(b"").unwrap(), Pax::default());
        // A binary value, as other systems keep their attributes.
        Pax::parse(record("LIBARCHIVE.xattr.a=x\ny").as_bytes()).unwrap();
    }

    #[test]
    fn what_two_readers_read_differently_is_refused() {
        let hidden = record(&format!("comment=x\n{}", record("path=/etc/x").trim_end()));
        let twice = record("path=a") + &record("path=b");
        for text in [
            hidden.as_str(),
            twice.as_str(),
            &record("path=a\nb"),
            &record("size=1x"),
            &record("GNU.sparse.major=1"),
            "9 path=a",
            "99 path=a\n",
            "path=a\n",
            "\n",
        ] {
            assert!(Pax::parse(text.as_bytes()).is_err(), "{text:?}");
        }
    }
}
