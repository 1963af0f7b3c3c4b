//! What stands in the place of an invocation.

use super::tokens;
use crate::expand::expand;

fn expanded(source: &str) -> String {
    expand(tokens(source)).to_string()
}

#[test]
fn items_are_files_of_items() {
    for source in [
        "",
        "struct A<in: 1, out: 1, k: 1>;",
        "pub struct A<in: 0, out: 1, k: 1>; struct B<in: 1, out: 1, k: 1>; enum C; struct D",
    ] {
        assert!(syn::parse2::<syn::File>(expand(tokens(source))).is_ok(), "{}", expanded(source));
    }
}

#[test]
fn expressions_are_expressions() {
    for source in ["", "in: 1, out: 1, k: 1", "in: 0, out: 0, k: 0", "in"] {
        assert!(syn::parse2::<syn::Expr>(expand(tokens(source))).is_ok(), "{}", expanded(source));
    }
}

#[test]
fn a_mistake_is_one_compile_error_and_the_name_exists() {
    let source = "#[derive(Debug)] pub(crate) struct A<in: 0, out: 1, k: 1>;";
    let file = expanded(source);
    assert_eq!(file.matches("compile_error").count(), 1, "{file}");
    assert!(file.contains("pub (crate) struct A"), "{file}");
    assert!(file.contains("derive (Debug)"), "{file}");
}

#[test]
fn a_name_is_defined_once() {
    let file = expanded("struct A<in: 1, out: 1, k: 1>; struct A<in: 0, out: 1, k: 1>;");
    assert_eq!(file.matches("struct A ").count(), 1, "{file}");
    assert_eq!(file.matches("compile_error").count(), 2, "{file}");
}

#[test]
fn the_same_tokens_give_the_same_tokens() {
    let source = "struct A<in: 0, out: N, k: (1, 2, 3), strides: 1>; struct B<in: 1, out: 1, k: 1>;";
    assert_eq!(expanded(source), expanded(source));
}
