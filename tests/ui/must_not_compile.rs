//! Programs that must not compile, and the messages of the compiler.
//!
//! Its words change from version to version, so they are compared on the one that wrote them. On the others the
//! `compile_fail` examples in the documentation still require that it does not compile.

// Above `test`, which would otherwise look for `ignore` before it is there.
#[rustversion::attr(not(stable(1.95)), ignore = "the words of the compiler were recorded on 1.95")]
#[test]
fn must_not_compile() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("context/*.rs");
    cases.compile_fail("coroutine/*.rs");
    cases.compile_fail("generator/*.rs");
    cases.compile_fail("pages/*.rs");
    cases.compile_fail("tasks/*.rs");
}
