//! The instruction sets of this machine, by the standard library's word and not by the library's own: a
//! kernel that is not run because its instruction set was overlooked would look like one that passes.

use conv_runtime::Isa;

/// Every instruction set that the tests have to run on.
///
/// # Panics
/// If the library offers more or less than what the processor has.
pub(crate) fn isas() -> Vec<Isa> {
    let isas: Vec<Isa> = Isa::available().collect();
    let names: Vec<_> = isas.iter().map(|isa| isa.name()).collect();
    assert_eq!(names, detected(), "Isa::available() does not agree with the processor");
    isas
}

/// AVX2 is taken with what came with it, and AVX-512 as of Ice Lake and Zen 4: that is what
/// `fearless_simd` has levels for.
#[cfg(target_arch = "x86_64")]
fn detected() -> Vec<&'static str> {
    let avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    let avx512 = is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vbmi2")
        && is_x86_feature_detected!("avx512bitalg")
        && is_x86_feature_detected!("vaes");
    [("avx512", avx512), ("avx2", avx2), ("sse2", true)].iter().filter(|isa| isa.1).map(|isa| isa.0).collect()
}

/// Where there is only one, nothing can be overlooked.
#[cfg(not(target_arch = "x86_64"))]
fn detected() -> Vec<&'static str> {
    let only = if cfg!(target_arch = "aarch64") {
        "neon"
    } else if cfg!(all(target_arch = "wasm32", target_feature = "simd128")) {
        "simd128"
    } else {
        "scalar"
    };
    vec![only]
}
