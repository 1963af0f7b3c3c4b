//! A warm layer allocates nothing: counted, by an allocator that counts.

#[path = "common/machine.rs"]
mod machine;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;

use conv_runtime::GradientsMut;
use conv_runtime::prelude::*;

use machine::isas;

/// The system's allocator, counting what each thread asks of it: tests run side by side.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

// SAFETY: every call goes to the system's allocator as it came; a counter without destructor allocates nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller has promised what this asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: as above; the memory is from `alloc`, which is the system's.
        unsafe { System.dealloc(memory, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Allocations of this thread while `work` runs.
fn allocations(work: impl FnOnce()) -> usize {
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

conv2d! {
    // Many channels; few of them; one tap; planes one by one; all unrolled: whatever the planner makes of it.
    struct ManyChannels<in: 16, out: 40, k: 3, padding: 1>;
    struct ManyChannelsStrided<in: 16, out: 20, k: (3, 2), padding: 1, stride: 2, padding_mode: reflect>;
    struct Filtered<in: 20, out: 18, k: 3, padding: 1, algorithm: winograd>;
    struct FewChannels<in: 3, out: 3, k: 3>;
    struct OneTap<in: 24, out: 7, k: 1>;
    struct Depthwise<in: 6, out: 6, k: 3, padding: 1, groups: 6, padding_mode: circular>;
    struct DepthwiseStrided<in: 4, out: 8, k: 3, padding: 1, stride: 2, groups: 4>;
    struct Doubles<in: 5, out: 9, k: 2, padding: 1, dtype: f64>;
    struct Unrolled<in: 1, out: 2, k: 3, padding: 1, padding_mode: replicate, input: (5, 6)>;
    struct Known<in: 32, out: 17, k: 3, padding: 1, input: (9, 11)>;
    struct KnownDepthwise<in: 4, out: 4, k: 5, padding: same, groups: 4, input: (33, 35)>;
    struct KnownNarrow<in: 80, out: 3, k: (1, 2), input: (2, 5)>;
    struct KnownDoubles<in: 64, out: 4, k: 1, stride: 2, input: (7, 9), dtype: f64>;
}

/// Allocations of a second call, with another image and batch size than the first.
fn check<L: Conv2d>([h, w]: [usize; 2]) {
    for isa in isas() {
        let layer = L::init(1).on(isa);
        let mut scratch = Scratch::new();
        for batch in [2, 1, 2] {
            let x = Tensor::randn([batch, L::CONFIG.in_channels, h, w], 2);
            let mut y = Tensor::zeros(L::output_shape(x.shape()).expect("it fits"));
            let mut run = || layer.forward_with(x.view(), y.view_mut(), &mut scratch).expect("it fits");
            if batch == 2 {
                run(); // may grow the scratch
            }
            assert_eq!(allocations(run), 0, "{} on {isa}", L::CONFIG);
        }
    }
}

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| drop(black_box(vec![1_u8]))), 1);
    let x = Tensor::<f32, 3>::zeros([3, 5, 5]);
    assert!(allocations(|| drop(FewChannels::init(1).forward(&x))) > 0);
}

#[test]
fn a_warm_forward_allocates_nothing() {
    check::<ManyChannels>([9, 17]);
    check::<ManyChannelsStrided>([9, 17]);
    check::<Filtered>([11, 17]);
    check::<FewChannels>([7, 40]);
    check::<FewChannels>([7, 5]);
    check::<OneTap>([7, 9]);
    check::<Depthwise>([9, 33]);
    check::<DepthwiseStrided>([9, 33]);
    check::<Doubles>([5, 18]);
    check::<Unrolled>([5, 6]);
    check::<Known>([9, 11]);
    check::<KnownDepthwise>([33, 35]);
    check::<KnownNarrow>([2, 5]);
    check::<KnownDoubles>([7, 9]);
}

/// Allocations of a second `backward_with`, of all gradients and with each of them left out.
fn check_backward<L: Conv2d>([h, w]: [usize; 2]) {
    for isa in isas() {
        let layer = L::init(1).on(isa);
        let mut scratch = Scratch::new();
        let x = Tensor::randn([2, L::CONFIG.in_channels, h, w], 2);
        let grad = layer.forward(&x).expect("it fits");
        let (mut input, mut weight) = (x.clone(), layer.weight());
        let mut bias = layer.bias();
        for left_out in [None, Some(0), Some(1), Some(2)] {
            let mut run = || {
                let bias = bias.as_mut().filter(|_| left_out != Some(2));
                let wanted = GradientsMut {
                    input: (left_out != Some(0)).then(|| input.view_mut()),
                    weight: (left_out != Some(1)).then(|| weight.view_mut()),
                    bias: bias.map(Tensor::view_mut),
                };
                layer.backward_with(x.view(), grad.view(), wanted, &mut scratch).expect("it fits");
            };
            if left_out.is_none() {
                run(); // may grow the scratch
            }
            assert_eq!(allocations(run), 0, "{} on {isa} without {left_out:?}", L::CONFIG);
        }
    }
}

#[test]
fn a_warm_backward_allocates_nothing() {
    check_backward::<ManyChannels>([9, 17]);
    check_backward::<ManyChannelsStrided>([9, 17]);
    check_backward::<Filtered>([11, 17]);
    check_backward::<FewChannels>([7, 5]);
    check_backward::<OneTap>([7, 9]);
    check_backward::<Depthwise>([9, 33]);
    check_backward::<DepthwiseStrided>([9, 33]);
    check_backward::<Doubles>([5, 18]);
    check_backward::<Unrolled>([5, 6]);
    check_backward::<Known>([9, 11]);
}

#[test]
fn a_warm_scratch_serves_a_smaller_layer() {
    let mut scratch = Scratch::new();
    let x = Tensor::<f32, 3>::zeros([16, 20, 20]);
    let mut y = Tensor::zeros(ManyChannels::output_shape(x.shape()).expect("it fits"));
    let layer = ManyChannels::init(1);
    layer.forward_with(x.view(), y.view_mut(), &mut scratch).expect("it fits");
    let x = Tensor::<f32, 3>::zeros([6, 9, 9]);
    let mut y = Tensor::zeros(Depthwise::output_shape(x.shape()).expect("it fits"));
    let layer = Depthwise::init(1);
    let run = || layer.forward_with(x.view(), y.view_mut(), &mut scratch).expect("it fits");
    assert_eq!(allocations(run), 0);
}

/// Allocations of a second `forward_array_with`.
macro_rules! check_arrays {
    ($($layer:ty: [$in:literal, $h:literal, $w:literal] -> [$out:literal, $oh:literal, $ow:literal], $element:ty;)*) => {
        $(for isa in isas() {
            let layer = <$layer>::init(1).on(isa);
            let input: [[[$element; $w]; $h]; $in] = [[[1.0; $w]; $h]; $in];
            let mut output: [[[$element; $ow]; $oh]; $out] = [[[0.0; $ow]; $oh]; $out];
            let mut scratch = Scratch::new();
            layer.forward_array_with(&input, &mut output, &mut scratch);
            let count = allocations(|| layer.forward_array_with(&input, &mut output, &mut scratch));
            assert_eq!(count, 0, "{} on {isa}", stringify!($layer));
        })*
    };
}

#[test]
fn a_warm_forward_of_arrays_allocates_nothing() {
    check_arrays! {
        Unrolled: [1, 5, 6] -> [2, 5, 6], f32;
        Known: [32, 9, 11] -> [17, 9, 11], f32;
        KnownDepthwise: [4, 33, 35] -> [4, 33, 35], f32;
        KnownNarrow: [80, 2, 5] -> [3, 2, 4], f32;
        KnownDoubles: [64, 7, 9] -> [4, 4, 5], f64;
    }
}
