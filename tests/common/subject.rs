//! A layer as an object, so that a check is compiled once and not once a layer, and how it is run: into
//! memory that shows every element that was not written, and every other that was.

use conv_runtime::prelude::*;
use conv_runtime::{Conv2dConfig, Element, Isa};

/// Weights, and biases if there are any.
pub(crate) type Parameters<E> = (Tensor<E, 4>, Option<Tensor<E, 1>>);

/// A layer of whatever type.
pub(crate) trait Subject<E> {
    /// The layer's parameters.
    fn config(&self) -> Conv2dConfig;
    /// The instruction set that it runs on.
    fn isa(&self) -> Isa;
    /// Its weights and biases.
    fn parameters(&self) -> Parameters<E>;
    /// The same layer on another.
    fn on(&self, isa: Isa) -> Box<dyn Subject<E>>;
    /// `forward_with` of a batch.
    fn batch(
        &self,
        x: TensorView<'_, E, 4>,
        y: TensorViewMut<'_, E, 4>,
        s: &mut Scratch,
    ) -> Result<(), Error>;
    /// `forward_with` of an image.
    fn image(
        &self,
        x: TensorView<'_, E, 3>,
        y: TensorViewMut<'_, E, 3>,
        s: &mut Scratch,
    ) -> Result<(), Error>;
}

impl<L: Conv2d + 'static> Subject<L::Elem> for L {
    fn config(&self) -> Conv2dConfig {
        L::CONFIG
    }

    fn isa(&self) -> Isa {
        conv_runtime::Layer::isa(self)
    }

    fn parameters(&self) -> Parameters<L::Elem> {
        (self.weight(), self.bias())
    }

    fn on(&self, isa: Isa) -> Box<dyn Subject<L::Elem>> {
        Box::new(Conv2d::on(self, isa))
    }

    fn batch(
        &self,
        x: TensorView<'_, L::Elem, 4>,
        y: TensorViewMut<'_, L::Elem, 4>,
        s: &mut Scratch,
    ) -> Result<(), Error> {
        self.forward_with(x, y, s)
    }

    fn image(
        &self,
        x: TensorView<'_, L::Elem, 3>,
        y: TensorViewMut<'_, L::Elem, 3>,
        s: &mut Scratch,
    ) -> Result<(), Error> {
        self.forward_with(x, y, s)
    }
}

/// The layer with these weights.
pub(crate) fn subject<L: Conv2d + 'static>(
    weight: &Tensor<L::Elem, 4>,
    bias: Option<&Tensor<L::Elem, 1>>,
) -> Box<dyn Subject<L::Elem>> {
    Box::new(L::new(weight, bias).expect("the weights are made for the layer"))
}

/// Runs a layer on a batch.
pub(crate) fn run<E: Element>(
    layer: &dyn Subject<E>,
    x: &Tensor<E, 4>,
    scratch: &mut Scratch,
) -> Tensor<E, 4> {
    let shape = layer.config().output_shape(x.shape()).expect("the layer takes the input");
    let data = fenced(shape.iter().product(), |output| {
        layer.batch(x.view(), TensorViewMut::new(shape, output)?, scratch)
    });
    Tensor::from_vec(shape, data).expect("as many as asked for")
}

/// Runs a layer on an image that is no batch.
pub(crate) fn run_image<E: Element>(
    layer: &dyn Subject<E>,
    x: &Tensor<E, 3>,
    scratch: &mut Scratch,
) -> Tensor<E, 3> {
    let shape = layer.config().output_shape(x.shape()).expect("the layer takes the input");
    let data = fenced(shape.iter().product(), |output| {
        layer.image(x.view(), TensorViewMut::new(shape, output)?, scratch)
    });
    Tensor::from_vec(shape, data).expect("as many as asked for")
}

/// What `write` makes of `len` NaNs. The elements before and behind them must stay as they are.
fn fenced<E: Element>(len: usize, write: impl FnOnce(&mut [E]) -> Result<(), Error>) -> Vec<E> {
    const FENCE: usize = 37;
    let fence = E::from_f64(-123.0);
    let mut memory = vec![fence; FENCE + len + FENCE];
    let inside = FENCE..FENCE + len;
    memory[inside.clone()].fill(E::from_f64(f64::NAN));
    write(&mut memory[inside.clone()]).expect("shapes and instruction set are right");
    let outside = memory[..inside.start].iter().chain(&memory[inside.end..]);
    assert!(outside.copied().all(|element| element == fence), "written outside the output");
    memory[inside].to_vec()
}
