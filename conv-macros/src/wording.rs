//! Words in messages: the one a user probably meant, several in a row, a long one cut.

/// A quotation longer than this is cut, and is no typing error.
const LONGEST: usize = 40;

/// The candidate that few typing errors (a third of its letters, at least one) turn into `word`.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let word = word.to_lowercase();
    if word.chars().count() > LONGEST {
        return None;
    }
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, candidate), candidate))
        .filter(|&(distance, candidate)| distance <= (candidate.len() / 3).max(1))
        .filter(|&(distance, candidate)| distance < candidate.len())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Letters inserted, removed, replaced, or swapped with their neighbour, to get from one word to the other.
fn distance(from: &str, to: &str) -> usize {
    let (from, to): (Vec<char>, Vec<char>) = (from.chars().collect(), to.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=to.len()).collect();
    for (i, &f) in from.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, &t) in to.iter().enumerate() {
            let mut best = (above[j] + usize::from(f != t)).min(above[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && f == to[j - 1] && from[i - 1] == t {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut above, row);
    }
    above[to.len()]
}

/// `a`, `a or b`, `a, b or c`, with another word than "or" if so wished.
pub(crate) fn list<T: AsRef<str>>(words: &[T], joint: &str) -> String {
    match words {
        [] => String::new(),
        [only] => only.as_ref().to_owned(),
        [head @ .., last] => {
            let head: Vec<&str> = head.iter().map(AsRef::as_ref).collect();
            format!("{} {joint} {}", head.join(", "), last.as_ref())
        }
    }
}

/// The text, cut where it gets long.
pub(crate) fn shorten(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}
