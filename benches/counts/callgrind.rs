//! Instructions on the processor that valgrind simulates, which is the same everywhere.
//!
//! It has no SHA instructions, and the software in their place would dominate every HS256 row. So
//! the compression function of SHA-256 is excluded.

use std::path::Path;
use std::process::Command;
use std::{env, fs};

use crate::support::row::Row;

/// Argument, followed by the number of a row, of the process that valgrind runs.
pub(crate) const CHILD: &str = "--simulated";

/// Instructions of each row, each counted in a separate process.
pub(crate) fn count(rows: usize) -> Vec<u64> {
    let profile = format!("tower-warder-counts-{}", std::process::id());
    let profile = env::temp_dir().join(profile);
    let counts = (0..rows).map(|row| {
        run(row, &profile);
        read(&profile) / RUNS
    });
    let counts = counts.collect();
    fs::remove_file(&profile).unwrap();
    counts
}

/// Counterpart of [`count`] in the counted process.
pub(crate) fn be_counted(rows: &[Row]) {
    let row = env::args().skip_while(|argument| argument != CHILD).nth(1);
    let row = &rows[row.unwrap().parse::<usize>().unwrap()];
    row.warm_up();
    window(row);
}

#[inline(never)]
fn window(row: &Row) {
    (0..RUNS).for_each(|_| row.run());
}

fn run(row: usize, profile: &Path) {
    let status = Command::new("valgrind")
        .args(["--tool=callgrind", "--quiet"])
        // Counts from entering this function until leaving it.
        .arg("--toggle-collect=counts::callgrind::window")
        .args(["--compress-strings=no", "--compress-pos=no"])
        .arg(format!("--callgrind-out-file={}", profile.display()))
        .arg(env::current_exe().unwrap())
        .args(env::args().skip(1))
        .args([CHILD, &row.to_string()])
        .status()
        .expect("valgrind, in Debian the package of that name");
    assert!(status.success());
}

/// Adds up the own cost of each function. Lines are `fn=NAME`, then `LINE COST` for the function
/// itself, and `calls=…` followed by a line with the cost of the callee.
fn read(profile: &Path) -> u64 {
    let text = fs::read_to_string(profile).unwrap();
    let (mut sum, mut hashing) = (0, false);
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("fn=") {
            hashing = name.contains("sha2") && name.contains("compress");
        } else if line.starts_with("calls=") {
            lines.next();
        } else if let Some((line, cost)) = line.split_once(' ')
            && line.parse::<u64>().is_ok()
            && !hashing
        {
            sum += cost.parse::<u64>().unwrap();
        }
    }
    sum
}

const RUNS: u64 = 8;
