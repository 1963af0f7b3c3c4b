//! `CONV_ISA`, and that it means what it says: the variable is read once in a process, so each value takes a
//! process of its own. This test runs itself.

#[path = "common/again.rs"]
mod again;
#[path = "common/machine.rs"]
mod machine;

use std::env;

use conv_runtime::Isa;
use conv_runtime::prelude::*;

use again::again;
use machine::isas;

conv2d! { struct Small<in: 1, out: 2, k: 2>; }

/// In whatever environment this runs: layers are built for what `CONV_ISA` names, or else for the best.
#[test]
fn the_environment_chooses() {
    let requested = env::var_os("CONV_ISA").unwrap_or_default().to_string_lossy().into_owned();
    let x = Tensor::zeros([1, 1, 3, 3]);
    let layer = Small::init(1);
    let known = isas().into_iter().find(|isa| requested.is_empty() || isa.name() == requested);
    let Some(expected) = known else {
        let error = layer.forward(&x).expect_err("no such instruction set");
        assert!(matches!(&error, Error::UnknownIsa { requested: name, .. } if *name == requested), "{error}");
        assert_eq!(Isa::current(), Err(error.clone()));
        assert_eq!(Small::new(&layer.weight(), layer.bias().as_ref()).err(), Some(error.clone()));
        println!("refused: {error}");
        return;
    };
    assert_eq!(Isa::current(), Ok(expected));
    assert_eq!(conv_runtime::Layer::isa(&layer), expected);
    layer.forward(&x).expect("the shape is right");
    println!("running on {expected}");
}

/// What the test above prints with this value of `CONV_ISA`.
fn with(conv_isa: &str) -> String {
    again("the_environment_chooses", conv_isa)
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn every_instruction_set_can_be_chosen() {
    for isa in isas() {
        let text = with(isa.name());
        assert!(text.contains(&format!("running on {isa}")), "{text}");
    }
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn the_best_is_chosen_if_nothing_is() {
    assert_eq!(isas().first(), Some(&Isa::best()));
    assert!(with("").contains(&format!("running on {}", Isa::best())));
}

#[test]
#[cfg_attr(target_family = "wasm", ignore = "WebAssembly starts no processes")]
fn what_the_machine_has_not_is_an_error_and_no_panic() {
    for conv_isa in ["nonsense", "AVX2", " sse2"] {
        let text = with(conv_isa);
        let names: Vec<_> = isas().iter().map(|isa| isa.name()).collect();
        let sentence = format!(
            "refused: CONV_ISA={conv_isa} is not available on this machine; expected one of {}",
            names.join(", ")
        );
        assert!(text.contains(&sentence), "{text}");
    }
}

#[test]
#[cfg(unix)]
fn what_is_not_unicode_is_an_error_too() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    let text = again("the_environment_chooses", OsStr::from_bytes(b"avx2\xff"));
    assert!(text.contains("refused: CONV_ISA=avx2\u{fffd} is not available"), "{text}");
}
