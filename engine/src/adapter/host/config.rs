//! The settings of wasmtime, the same for the compiler and for the adapter runtime that runs its
//! code.
//!
//! Every WebAssembly proposal that compilers for `wasm32-unknown-unknown` do not need is off. NaNs
//! are canonical, so that a replay is exact. Code that was compiled under other settings is refused
//! when it is loaded.

use super::metering::Metering;
use wasmtime::Config;

/// The settings for guests that are measured like this and may have this much stack.
pub(super) fn config(metering: Metering, stack_bytes_max: usize) -> Config {
    let mut config = Config::new();
    config
        .wasm_component_model(true)
        .wasm_simd(true)
        .wasm_bulk_memory(true)
        .wasm_multi_value(true)
        .wasm_relaxed_simd(false)
        .wasm_multi_memory(false)
        .wasm_memory64(false)
        .wasm_tail_call(false)
        .wasm_wide_arithmetic(false)
        .cranelift_nan_canonicalization(true)
        .cranelift_opt_level(wasmtime::OptLevel::Speed)
        // Not even the address of each instruction is kept: it is for backtraces, which nobody
        // could read without the source.
        .generate_address_map(false)
        .native_unwind_info(false)
        .memory_init_cow(true)
        .max_wasm_stack(stack_bytes_max);
    match metering {
        Metering::Epochs => config.epoch_interruption(true),
        Metering::Fuel(_) => config.consume_fuel(true),
    };
    config
}
