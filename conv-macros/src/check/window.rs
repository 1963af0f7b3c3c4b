//! Rules about the kernel and where it goes.

use super::at_least;
use crate::error::{Errors, Spot};
use crate::parse::Key;
use crate::parse::args::{Arg, Args, PaddingArg, Pair, Sides, Spanned};
use crate::spec::{Hw, Padding};
use crate::wording::{nearest, shorten};

/// The numbers that keep their rules.
pub(super) struct Window {
    pub(super) kernel: Option<Spanned<Pair>>,
    pub(super) stride: Option<Spanned<Pair>>,
    pub(super) dilation: Option<Spanned<Pair>>,
    pub(super) padding: Option<Spanned<Sides>>,
}

/// torch's largest padding, which keeps padded sizes countable.
const LARGEST_PADDING: usize = isize::MAX as usize / 2;

/// All rules of this file.
pub(super) fn check_window(args: &Args, at: Spot, errors: &mut Errors) -> Window {
    let one = || Spanned { value: 1, spot: at };
    let kernel = positive(args.kernel.given(), Key::Kernel, errors);
    let stride = args.stride.or(|| one().with(Pair::both(&one())));
    let stride = positive(stride, Key::Stride, errors);
    let dilation = args.dilation.or(|| one().with(Pair::both(&one())));
    let dilation = positive(dilation, Key::Dilation, errors);
    let mut window = Window { kernel, stride, dilation, padding: None };
    if !check_extent(&window, errors) {
        (window.kernel, window.dilation) = (None, None);
    }
    window.padding = check_padding(&args.padding, &window, at, errors);
    window
}

/// Kernel, stride and dilation are at least 1 in both directions.
fn positive(pair: Option<Spanned<Pair>>, key: Key, errors: &mut Errors) -> Option<Spanned<Pair>> {
    pair.filter(|pair| at_least(&pair.value.h, key, errors) && at_least(&pair.value.w, key, errors))
}

/// The distance from the first to the last tap is countable.
fn check_extent(window: &Window, errors: &mut Errors) -> bool {
    let (Some(kernel), Some(dilation)) = (&window.kernel, &window.dilation) else { return true };
    let (kernel, dilation) = (&kernel.value, &dilation.value);
    let axes = [(&kernel.h, &dilation.h), (&kernel.w, &dilation.w)];
    let broken = axes.into_iter().find(|(kernel, dilation)| {
        let last = (kernel.value - 1).checked_mul(dilation.value);
        last.is_none_or(|last| last >= isize::MAX as usize)
    });
    let Some((kernel, dilation)) = broken else { return true };
    let at = if dilation.value > kernel.value { dilation } else { kernel };
    let message = format!(
        "dilation * (kernel_size - 1) + 1 must fit into isize, but got {} * ({} - 1) + 1; write smaller numbers",
        dilation.value, kernel.value
    );
    errors.push(at.spot, message);
    false
}

/// The padding as numbers.
fn check_padding(
    arg: &Arg<PaddingArg>,
    window: &Window,
    at: Spot,
    errors: &mut Errors,
) -> Option<Spanned<Sides>> {
    let none = || Spanned { value: 0, spot: at };
    let Some(padding) = arg.given() else {
        return arg.is_absent().then(|| none().with(Sides::symmetric(Pair::both(&none()))));
    };
    let sides = match &padding.value {
        PaddingArg::Sides(sides) => check_bound(sides.clone(), errors),
        PaddingArg::Word(word) => match word.as_str() {
            "valid" => Some(Sides::symmetric(Pair::both(&padding.with(0)))),
            "same" => check_same(&padding, window, errors),
            _ => {
                errors.push(padding.spot, unknown(&shorten(word)));
                None
            }
        },
    };
    sides.map(|sides| padding.with(sides))
}

/// No side has more than torch's largest padding.
fn check_bound(sides: Sides, errors: &mut Errors) -> Option<Sides> {
    let Sides { top, bottom, left, right } = &sides;
    let all = [(top, 0), (bottom, 0), (left, 1), (right, 1)];
    let Some((side, axis)) = all.into_iter().find(|(side, _)| side.value > LARGEST_PADDING) else {
        return Some(sides);
    };
    let message = format!(
        "given padding={} at dimension {axis}, expected padding to be at most {LARGEST_PADDING}; write a smaller \
         number",
        side.value
    );
    errors.push(side.spot, message);
    None
}

/// `same` makes the output as large as the input, which no stride but 1 can. The odd row goes to the end.
fn check_same<T: Clone>(padding: &Spanned<T>, window: &Window, errors: &mut Errors) -> Option<Sides> {
    let stride = window.stride.as_ref().map(|stride| stride.value.numbers());
    let (kernel, dilation) = (window.kernel.as_ref(), window.dilation.as_ref());
    let total = kernel.zip(dilation).map(|(kernel, dilation)| Hw {
        h: dilation.value.h.value * (kernel.value.h.value - 1),
        w: dilation.value.w.value * (kernel.value.w.value - 1),
    });
    let sides = total.map(|Hw { h, w }| Sides {
        top: padding.with(h / 2),
        bottom: padding.with(h - h / 2),
        left: padding.with(w / 2),
        right: padding.with(w - w / 2),
    });
    if let Some(Hw { h, w }) = stride.filter(|stride| (stride.h, stride.w) != (1, 1)) {
        let numbers = sides.map_or("numbers".to_owned(), |sides| format!("`{}`", written(&sides)));
        let message = format!(
            "padding='same' is not supported for strided convolutions, but stride is ({h}, {w}); write {numbers} or \
             leave out the stride"
        );
        errors.push(padding.spot, message);
        return None;
    }
    sides
}

/// A padding in numbers, as one writes it.
fn written(sides: &Sides) -> String {
    let Padding { top, bottom, left, right } = sides.numbers();
    match (top == bottom && left == right, top == left) {
        (true, true) => format!("padding: {top}"),
        (true, false) => format!("padding: ({top}, {left})"),
        _ => format!("padding: (({top}, {bottom}), ({left}, {right}))"),
    }
}

/// What to say of a word that is no padding.
fn unknown(word: &str) -> String {
    let rule = format!("invalid padding string '{word}', should be one of {{'same', 'valid'}}");
    let remedy = match (word, nearest(word, ["same", "valid"])) {
        (_, Some(meant)) => format!("did you mean `{meant}`?"),
        ("zeros" | "reflect" | "replicate" | "circular", _) => {
            format!("write `padding: 1, padding_mode: {word}`")
        }
        ("none" | "None" | "no", _) => "write `padding: 0`".to_owned(),
        ("full", _) => "write the kernel size less 1".to_owned(),
        _ => "write one of these or a number, for no macro sees the value of a constant".to_owned(),
    };
    format!("{rule}; {remedy}")
}

impl Pair {
    /// Without places.
    pub(super) fn numbers(&self) -> Hw {
        Hw { h: self.h.value, w: self.w.value }
    }
}

impl Sides {
    /// Without places.
    pub(super) fn numbers(&self) -> Padding {
        let Self { top, bottom, left, right } = self;
        Padding { top: top.value, bottom: bottom.value, left: left.value, right: right.value }
    }
}
