//! The `.npy` format of `NumPy`: a magic number, a header that is a dictionary of Python, and the numbers.
//!
//! ```text
//! \x93NUMPY 1 0 <length: u16> {'descr': '<f4', 'fortran_order': False, 'shape': (4, 1, 2, 3), }
//! ```

use super::{Array, Stored};

/// The array of a file.
///
/// # Errors
/// What is wrong with it, as the end of a sentence about the file.
pub(crate) fn npy(file: &[u8]) -> Result<Array<'_>, String> {
    let (header, bytes) = split(file).ok_or("is no .npy file, or damaged")?;
    let descr = quoted(field(header, "descr")).ok_or("has a damaged header")?;
    let order = field(header, "fortran_order").ok_or("has a damaged header")?;
    let shape = field(header, "shape").and_then(tuple).ok_or("has a damaged header")?;
    if order.starts_with("True") {
        return Err("has its numbers in Fortran's order; save `numpy.ascontiguousarray` of it".to_owned());
    }
    let (end, kind) = descr.split_at_checked(1).unwrap_or_default();
    let stored = match kind {
        "f2" => Stored::F16,
        "f4" => Stored::F32,
        "f8" => Stored::F64,
        _ => Stored::Other(descr.to_owned()),
    };
    let array = Array::new(stored, shape, bytes, end == ">");
    array.ok_or_else(|| "has more or fewer numbers than its header says".to_owned())
}

/// Header and numbers.
fn split(file: &[u8]) -> Option<(&str, &[u8])> {
    let rest = file.strip_prefix(b"\x93NUMPY")?;
    let (version, rest) = rest.split_at_checked(2)?;
    let (len, rest) = match version[0] {
        1 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_le_bytes(*len)), rest)
        }
        2 | 3 => {
            let (len, rest) = rest.split_first_chunk()?;
            (usize::try_from(u32::from_le_bytes(*len)).ok()?, rest)
        }
        _ => return None,
    };
    let (header, bytes) = rest.split_at_checked(len)?;
    Some((std::str::from_utf8(header).ok()?, bytes))
}

/// What stands after `'name':`.
fn field<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let (_, after) = header.split_once(&format!("'{name}'"))?;
    Some(after.trim_start().strip_prefix(':')?.trim_start())
}

/// The string that begins here.
fn quoted(text: Option<&str>) -> Option<&str> {
    text?.strip_prefix('\'')?.split_once('\'').map(|(content, _)| content)
}

/// The tuple of sizes that begins here.
fn tuple(text: &str) -> Option<Vec<usize>> {
    let (content, _) = text.strip_prefix('(')?.split_once(')')?;
    let sizes = content.split(',').map(str::trim);
    let mut sizes: Vec<&str> = sizes.collect();
    sizes.pop_if(|last| last.is_empty());
    sizes.into_iter().map(|size| size.parse().ok()).collect()
}
