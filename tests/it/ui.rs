//! Compiler messages for common mistakes.
//!
//! Runs only with `UI_TESTS` set, because it compiles the dependencies again and expects the
//! messages of one compiler version. Update the messages with `UI_TESTS=1 TRYBUILD=overwrite cargo
//! test --test it ui`.

#[test]
fn common_mistakes_have_compiler_hints() {
    if std::env::var_os("UI_TESTS").is_none() {
        println!("skipped: UI_TESTS is not set");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/ui/*.rs");
}
