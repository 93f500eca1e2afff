//! Components that cost far more to compile than their bytes show: refused before the compiler sees
//! them.
//!
//! Method: each shape is written as WebAssembly text, or as a core module in the frame of
//! `tests/hostile`, well above its limit, and must be refused by name; shapes that adapters have
//! must pass. The cache of compiled code proves that nothing was compiled: nothing asked it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests fail like tests"
)]

mod adapter_support;

use adapter_support::{from_text, minimal};
use atsync::internals::adapter::{ComponentHost, HostOptions, LoadError};
use std::fmt::Write as _;

#[track_caller]
fn is_too_much(component: &[u8], words: &str) {
    let cache = tempfile::tempdir().unwrap();
    let mut options = HostOptions::default();
    options.cache_dir = Some(cache.path().to_owned());
    let host = ComponentHost::new(options).unwrap();
    let error = host.load("bomb", component).unwrap_err();
    assert!(matches!(&error, LoadError::TooMuch { what, .. } if *what == words), "{error}");
    assert!(!error.to_string().contains('\n'), "{error}");
    let used = host.cache_use();
    assert_eq!((used.hits, used.misses), (0, 0), "the compiler saw it");
}

fn repeated(times: usize, piece: impl Fn(usize) -> String) -> String {
    (0..times).fold(String::new(), |mut text, n| {
        text.push_str(&piece(n));
        text
    })
}

fn component(text: &str) -> Vec<u8> {
    wat::parse_str(format!("(component {text})")).unwrap()
}

/// An adapter with these functions beside its own.
fn with_functions(functions: &str) -> Vec<u8> {
    let module = format!(
        r#"(module (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (unreachable))
            (func (export "ats:adapter/adapter@0.1.0#describe") (result i32) (unreachable))
            (func (export "ats:adapter/adapter@0.1.0#start") (param i32) (result i32) (unreachable))
            (func (export "ats:adapter/adapter@0.1.0#resume") (param i32) (result i32) (unreachable))
            {functions})"#
    );
    from_text(&module)
}

#[test]
fn types_that_double_at_each_level_are_counted_with_their_sharing_expanded() {
    let doubling = repeated(17, |n| format!("(type $t{} (tuple $t{n} $t{n}))", n + 1));
    let text = format!("(type $t0 (tuple u32 u32)) {doubling}");
    let used = repeated(60, |n| format!("(type $f{n} (func (param \"a\" $t17)))"));
    let bomb = component(&format!("{text} {used}"));
    assert!(bomb.len() < 2_500, "{} bytes", bomb.len());
    is_too_much(&bomb, "parts of one type");
    // Each within its own limit, but not together.
    let many = repeated(60, |n| format!("(type $f{n} (func (param \"a\" $t11)))"));
    is_too_much(
        &component(&format!(
            "(type $t0 (tuple u32 u32)) {} {many}",
            repeated(11, |n| { format!("(type $t{} (tuple $t{n} $t{n}))", n + 1) })
        )),
        "parts of all types",
    );
}

#[test]
fn a_type_is_counted_wherever_it_is_declared() {
    let inside = |kind: &str| {
        let doubling = repeated(17, |n| format!("(type $t{} (tuple $t{n} $t{n}))", n + 1));
        component(&format!("(type ({kind} (type $t0 (tuple u32 u32)) {doubling}))"))
    };
    is_too_much(&inside("instance"), "parts of one type");
    is_too_much(&inside("component"), "parts of one type");
    let outer = "(type $big (tuple u32 u32 u32 u32 u32 u32 u32 u32)) ";
    let levels = repeated(4, |n| {
        format!(
            "(type $l{n} (tuple {}))",
            format!("{} ", if n == 0 { "$big".to_owned() } else { format!("$l{}", n - 1) })
                .repeat(8)
        )
    });
    let nested =
        format!("{outer}{levels}(component (alias outer 1 $l3 (type $a)) (type (tuple $a $a)))");
    is_too_much(&component(&nested), "parts of one type");
    is_too_much(&component(&repeated(2_001, |_| "(type (tuple u32))".to_owned())), "types");
}

#[test]
fn instances_and_nesting_are_bounded() {
    let deep = |levels: usize| format!("{}{}", "(component ".repeat(levels), ")".repeat(levels));
    is_too_much(&component(&deep(5)), "levels of components");
    is_too_much(&component(&deep(1).repeat(20)), "modules and components in one another");
    is_too_much(
        &component(&format!("(component $c) {}", "(instance (instantiate $c))".repeat(65))),
        "instances",
    );
}

#[test]
fn no_part_of_a_component_calls_another_one_so_the_compiler_joins_none() {
    let module = r#"(core module $m (memory (export "m") 1)
        (func (export "r") (param i32 i32 i32 i32) (result i32) unreachable) (func (export "f") (param i32 i32)))
        (core instance $i (instantiate $m))
        (alias core export $i "m" (core memory $memory))
        (alias core export $i "r" (core func $realloc))
        (alias core export $i "f" (core func $f))"#;
    let text = format!(
        r#"(component $a {module} (func (export "f") (param "a" string) (canon lift (core func $f) (memory $memory) (realloc $realloc))))
        (component $b (import "f" (func $g (param "a" string))) {module}
            (core func $lowered (canon lower (func $g) (memory $memory) (realloc $realloc)))
            (core module $u (import "x" "f" (func (param i32 i32))))
            (core instance (instantiate $u (with "x" (instance (export "f" (func $lowered)))))))
        (instance $x (instantiate $a)) (instance (instantiate $b (with "f" (func $x "f"))))"#
    );
    is_too_much(&component(&text), "functions passed between parts of the component");
}

#[test]
fn a_function_too_large_for_the_compiler_is_refused() {
    let long = format!(
        "(func (param i32) {})",
        "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(90_000)
    );
    is_too_much(&with_functions(&long), "the cost of one function");
    is_too_much(
        &with_functions(&format!("(func (local {}))", "i64 ".repeat(4_001))),
        "locals of one function",
    );
    // Costs that the bytes do not show: loops that carry a local, values of calls, targets of a
    // table.
    let nest = format!(
        "(func (local {}) {} {} {})",
        "i32 ".repeat(1_000),
        "loop ".repeat(1_000),
        repeated(1_000, |n| format!("local.get {n} drop ")),
        "end ".repeat(1_000)
    );
    is_too_much(&with_functions(&nest), "the cost of one function");
    let joined = format!(
        "(func (param i32) (local {}) block {} end {})",
        "i32 ".repeat(3_900),
        "local.get 0 br_if 0 ".repeat(10_000),
        repeated(3_900, |n| format!("local.get {} drop ", n + 1))
    );
    is_too_much(&with_functions(&joined), "locals times branches of one function");
    let wide = format!(
        "(type $wide (func (param {}))) (func $w (type $wide)) (func {})",
        "i32 ".repeat(900),
        format!("{} call $w ", "i32.const 0 ".repeat(900)).repeat(150)
    );
    is_too_much(&with_functions(&wide), "the cost of one function");
}

#[test]
fn functions_and_code_are_bounded_in_total() {
    is_too_much(&with_functions(&"(func)".repeat(40_001)), "functions");
    let mut long = String::new();
    let body = "(local.set 0 (i32.add (local.get 0) (i32.const 1)))".repeat(16_000);
    for _ in 0..40 {
        write!(long, "(func (param i32) {body})").unwrap();
    }
    let core = with_functions(&long);
    is_too_much(&core, "the cost of all functions");
}

#[test]
fn the_shapes_that_adapters_have_pass() {
    ComponentHost::new(HostOptions::default()).unwrap().load("minimal", minimal()).unwrap();
}
