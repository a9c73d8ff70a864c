//! Reference counts: `benches/counts.txt`.

use std::fs;
use std::process::ExitCode;

use crate::Count;

/// Fails if a row is new, missing, or above [`MARGIN`], and names the rows that improved.
pub(crate) fn check(counts: &[Count]) -> ExitCode {
    let reference = read();
    let [mut failed, mut same] = [false, true];
    for count in counts {
        let Some(was) = reference.iter().find(|row| row.name == count.name) else {
            println!("new      {}: not in {FILE}", count.name);
            [failed, same] = [true, false];
            continue;
        };
        let change = count.instructions as f64 / was.instructions as f64 - 1.0;
        let word = match () {
            () if change > MARGIN || count.allocations > was.allocations => "HIGHER",
            () if change < -MARGIN || count.allocations < was.allocations => "lower",
            () => "same",
        };
        failed |= word == "HIGHER";
        same &= word == "same";
        println!(
            "{word:8} {:44} {:>7} -> {:>7} instructions ({:+5.1} %), {} -> {} allocations",
            count.name,
            was.instructions,
            count.instructions,
            change * 100.0,
            was.allocations,
            count.allocations,
        );
    }
    for row in &reference {
        if !counts.iter().any(|count| count.name == row.name) {
            println!("missing  {}: still in {FILE}", row.name);
            [failed, same] = [true, false];
        }
    }
    if !same {
        println!("{REMEDY}");
    }
    ExitCode::from(u8::from(failed))
}

pub(crate) fn write(counts: &[Count]) {
    let mut text = String::from(HEAD);
    for count in counts {
        text += &format!(
            "{:>8} {:>5}  {}\n",
            count.instructions, count.allocations, count.name
        );
    }
    fs::write(FILE, text).unwrap();
}

fn read() -> Vec<Count> {
    let text = fs::read_to_string(FILE).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| {
        let mut words = line.split_whitespace();
        let mut number = || words.next().and_then(|word| word.parse().ok());
        let (instructions, allocations) = number().zip(number()).expect("two numbers");
        Count {
            instructions,
            allocations: allocations as usize,
            name: words.collect::<Vec<_>>().join(" "),
        }
    })
    .collect()
}

/// Instructions may rise by this much before the check fails; allocations by nothing.
const MARGIN: f64 = 0.03;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/counts.txt");

const REMEDY: &str = "If this is what you want: cargo bench --bench counts -- --update";

const HEAD: &str = "\
# Instructions (valgrind, without those of SHA-256) and allocations of one run.
# Written by `cargo bench --bench counts -- --update`.
";
