//! What the page `index.html` calls: a sheet of paper to draw on, and ten scores for what is drawn.
//!
//! ```text
//! bash examples/digits_web/build.sh
//! ```
//!
//! Functions take and return plain numbers, so that the page needs no glue between JavaScript and WebAssembly.

mod sheet;

use std::cell::RefCell;

use digits_embedded::{Memory, logits};

pub use sheet::Sheet;

thread_local! {
    static PAGE: RefCell<Page> = RefCell::default();
}

#[derive(Default)]
struct Page {
    sheet: Sheet,
    memory: Memory,
    scores: [f32; 10],
}

/// Makes the sheet blank.
#[unsafe(no_mangle)]
pub extern "C" fn clear() {
    PAGE.with_borrow_mut(|page| page.sheet = Sheet::default());
}

/// A stroke of the pen between two points of the sheet, whose sides are 1 long.
#[unsafe(no_mangle)]
pub extern "C" fn stroke(x0: f32, y0: f32, x1: f32, y1: f32) {
    PAGE.with_borrow_mut(|page| page.sheet.stroke([x0, y0], [x1, y1]));
}

/// The digit that is drawn, or -1 if nothing is.
#[unsafe(no_mangle)]
pub extern "C" fn classify() -> i32 {
    PAGE.with_borrow_mut(|page| {
        let Some(image) = page.sheet.image() else { return -1 };
        page.scores = softmax(logits(&image, &mut page.memory));
        (0_u8..10).max_by(|a, b| page.score(*a).total_cmp(&page.score(*b))).map_or(-1, i32::from)
    })
}

/// How probable the network takes a digit to be, from 0 to 1, as of the last call of [`classify`].
#[unsafe(no_mangle)]
pub extern "C" fn score(digit: u8) -> f32 {
    PAGE.with_borrow(|page| page.score(digit))
}

/// A pixel of the 8 x 8 that the network sees, from 0 for paper to 1 for ink.
#[unsafe(no_mangle)]
pub extern "C" fn pixel(x: usize, y: usize) -> f32 {
    let image = PAGE.with_borrow(|page| page.sheet.image());
    image.and_then(|image| image.get(y)?.get(x).copied()).unwrap_or(0.0)
}

impl Page {
    fn score(&self, digit: u8) -> f32 {
        self.scores.get(usize::from(digit)).copied().unwrap_or(0.0)
    }
}

/// `torch.softmax`.
fn softmax(logits: [f32; 10]) -> [f32; 10] {
    let largest = logits.iter().copied().fold(f32::MIN, f32::max);
    let powers = logits.map(|logit| (logit - largest).exp());
    let sum: f32 = powers.iter().sum();
    powers.map(|power| power / sum)
}
