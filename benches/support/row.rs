//! Row of a table: an operation that is repeated.

use std::fmt;
use std::hint::black_box;

pub struct Row {
    name: String,
    run: Box<dyn Fn() + Send + Sync>,
}

impl Row {
    /// The result of `work` is not optimised away.
    pub fn new<T>(name: impl Into<String>, work: impl Fn() -> T + Send + Sync + 'static) -> Self {
        Self {
            name: name.into(),
            run: Box::new(move || {
                black_box(work());
            }),
        }
    }

    pub fn within(self, group: &str) -> Self {
        Self {
            name: format!("{group}: {}", self.name),
            ..self
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn run(&self) {
        (self.run)();
    }

    /// Runs until allocator and branch predictors are warm.
    pub fn warm_up(&self) {
        (0..64).for_each(|_| self.run());
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}
