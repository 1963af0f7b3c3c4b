//! The classifier's answers on images that the network never saw, beside PyTorch's.

use digits_embedded::{Image, Memory, largest_at, logits};
use safetensors::SafeTensors;

static DIGITS: &[u8] = include_bytes!("../../../tests/data/digits_test.safetensors");

/// A file's tensor as arrays of `N` numbers.
fn rows<const N: usize>(file: &SafeTensors<'_>, name: &str) -> Vec<[f32; N]> {
    let bytes = file.tensor(name).expect("the file has it");
    let numbers: Vec<f32> = bytes.data().as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    numbers.as_chunks().0.to_vec()
}

#[test]
fn answers_are_those_of_pytorch() {
    let file = SafeTensors::deserialize(DIGITS).expect("the file is sound");
    let (pixels, expected) = (rows::<64>(&file, "images"), rows::<10>(&file, "logits"));
    assert_eq!((pixels.len(), expected.len()), (360, 360));
    let mut memory = Memory::new();
    for (pixels, expected) in pixels.iter().zip(&expected) {
        let mut image = Image::default();
        image.as_flattened_mut().copy_from_slice(pixels);
        let got = logits(&image, &mut memory);
        assert_eq!(largest_at(&got), largest_at(expected));
        // Logits reach 38, where a unit in the last place is 4e-6.
        let close = got.iter().zip(expected).all(|(got, expected)| (got - expected).abs() < 1e-4);
        assert!(close, "{got:?} for {expected:?}");
    }
}
