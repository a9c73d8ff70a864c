//! Runs the target that the variable `FUZZ_TARGET` names, under libFuzzer: see `.ci/fuzz`.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use tower_warder_fuzz::Target;

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET, the name of a target");
    Target::named(&name).expect("FUZZ_TARGET, the name of a target")
});

fuzz_target!(|input: &[u8]| TARGET.run(input));
