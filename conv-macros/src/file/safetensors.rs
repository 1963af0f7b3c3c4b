//! The `.safetensors` format: the length of a header, the header in JSON, and the numbers.
//!
//! ```text
//! <length: u64> {"conv1.weight": {"dtype": "F32", "shape": [4, 1, 2, 3], "data_offsets": [0, 96]}, ..}
//! ```

use super::json::{Json, parse};
use super::{Array, Stored};

/// A file of named arrays.
#[derive(Debug)]
pub(crate) struct Checkpoint<'f> {
    entries: Vec<(String, Json)>,
    bytes: &'f [u8],
}

impl<'f> Checkpoint<'f> {
    /// Reads the header.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the file.
    pub(crate) fn new(file: &'f [u8]) -> Result<Self, String> {
        let (header, bytes) = split(file).ok_or("is no .safetensors file, or damaged")?;
        match parse(header) {
            Some(Json::Object(mut entries)) => {
                entries.retain(|(name, _)| name != "__metadata__");
                Ok(Self { entries, bytes })
            }
            _ => Err("has a damaged header".to_owned()),
        }
    }

    /// The names of the layers: of what has a `weight`.
    pub(crate) fn layers(&self) -> Vec<&str> {
        self.entries.iter().filter_map(|(name, _)| name.strip_suffix(".weight")).collect()
    }

    /// The array of this name, if there is one.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence about the file.
    pub(crate) fn array(&self, name: &str) -> Result<Option<Array<'f>>, String> {
        let mut found = self.entries.iter().filter(|(entry, _)| entry == name);
        match (found.next(), found.next()) {
            (None, _) => Ok(None),
            (Some((_, entry)), None) => match self.read(entry) {
                Some(array) => Ok(Some(array)),
                None => Err(format!("has a damaged entry `{name}`")),
            },
            _ => Err(format!("has two entries `{name}`")),
        }
    }

    fn read(&self, entry: &Json) -> Option<Array<'f>> {
        let stored = match entry.get("dtype")?.string()? {
            "F16" => Stored::F16,
            "BF16" => Stored::Bf16,
            "F32" => Stored::F32,
            "F64" => Stored::F64,
            other => Stored::Other(other.to_owned()),
        };
        let shape: Option<Vec<_>> = entry.get("shape")?.array()?.iter().map(Json::size).collect();
        let offsets: Option<Vec<_>> = entry.get("data_offsets")?.array()?.iter().map(Json::size).collect();
        let &[start, end] = offsets?.as_slice() else { return None };
        Array::new(stored, shape?, self.bytes.get(start..end)?, false)
    }
}

/// Header and numbers.
fn split(file: &[u8]) -> Option<(&str, &[u8])> {
    let (len, rest) = file.split_first_chunk()?;
    let len = usize::try_from(u64::from_le_bytes(*len)).ok()?;
    let (header, bytes) = rest.split_at_checked(len)?;
    Some((std::str::from_utf8(header).ok()?, bytes))
}
