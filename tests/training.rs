//! Training is deterministic: the network of the example `train_digits`, trained twice for a few steps.

#[path = "../examples/train_digits/data.rs"]
mod data;
#[path = "../examples/train_digits/network.rs"]
mod network;

use data::{Digits, Random};
use network::{Network, Schedule};

const STEPS: usize = 80;

/// What comes of a seed: the accuracy on other images, and the checkpoint.
fn trained(seed: u64) -> (f64, Vec<u8>) {
    let read = |name: &str| {
        let file = std::fs::read(format!("{}/tests/data/{name}", env!("CARGO_MANIFEST_DIR")));
        Digits::read(&file.expect("tests/data is there")).expect("digits")
    };
    let (training, held_out) = (read("digits_train.safetensors"), read("digits_test.safetensors"));
    let (mut random, mut schedule) = (Random::new(seed), Schedule::new(STEPS));
    let mut network = Network::init(seed);
    for batch in random.shuffled(training.len()).chunks(16).take(STEPS) {
        let (images, labels) = training.batch(batch, [0, 0]);
        let loss = network.learn(&images, &labels, schedule.next_rate()).expect("the shapes suit");
        assert!(loss.is_finite(), "on {}", network.isa());
    }
    (network.accuracy(&held_out).expect("the shapes suit"), network.checkpoint().expect("a checkpoint"))
}

#[test]
fn a_seed_is_one_network_bit_for_bit() {
    let (accuracy, checkpoint) = trained(7);
    assert!(accuracy > 0.8, "it learnt nothing: {accuracy}");
    assert_eq!(trained(7), (accuracy, checkpoint.clone()));
    assert_ne!(trained(8).1, checkpoint);
}
