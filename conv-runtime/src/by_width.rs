//! The choice among kernels of different widths, while the program runs.

/// Evaluates one of three expressions, for vectors of 128, 256 and 512 bits, inside a function that has the
/// features of the instruction set in `level`, of which `simd` is the proof.
macro_rules! by_width {
    ($level:expr, $simd:ident => $narrow:expr, $medium:expr, $wide:expr) => {
        match $level {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Avx512($simd) => $simd.vectorize(
                #[inline(always)]
                || $wide,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Avx2($simd) => $simd.vectorize(
                #[inline(always)]
                || $medium,
            ),
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            fearless_simd::Level::Sse2($simd) => $simd.vectorize(
                #[inline(always)]
                || $narrow,
            ),
            #[cfg(target_arch = "aarch64")]
            fearless_simd::Level::Neon($simd) => $simd.vectorize(
                #[inline(always)]
                || $narrow,
            ),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            fearless_simd::Level::WasmSimd128($simd) => $simd.vectorize(
                #[inline(always)]
                || $narrow,
            ),
            #[cfg(not(any(
                all(
                    any(target_arch = "x86", target_arch = "x86_64"),
                    target_feature = "sse2",
                    target_feature = "fxsr"
                ),
                all(target_arch = "aarch64", target_feature = "neon"),
                all(target_arch = "wasm32", target_feature = "simd128")
            )))]
            fearless_simd::Level::Fallback($simd) => $simd.vectorize(
                #[inline(always)]
                || $narrow,
            ),
            _ => unreachable!("Isa holds only the levels above"),
        }
    };
}

pub(crate) use by_width;
