//! The mistakes that users will make, and what the compiler says to them.
//!
//! Compiles the dependencies once more and compares texts of one compiler: switched on by
//! `UI_TESTS`. Refresh the texts with `UI_TESTS=1 TRYBUILD=overwrite cargo test --test it ui`.

#[test]
fn common_mistakes_have_compiler_hints() {
    if std::env::var_os("UI_TESTS").is_none() {
        println!("skipped: UI_TESTS is not set");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
