//! Exhaustive models: a test runs once for each order in which its steps can happen.

/// One order of steps: the choices that were made before, then the first option of each choice.
pub struct Schedule {
    choices: Vec<Choice>,
    position: usize,
}

struct Choice {
    option: usize,
    options: usize,
}

impl Schedule {
    /// Chooses one of the `options`. Over all runs, every one is chosen.
    pub fn choose(&mut self, options: usize) -> usize {
        if self.position == self.choices.len() {
            self.choices.push(Choice { option: 0, options });
        }
        let choice = &self.choices[self.position];
        assert_eq!(choice.options, options, "the model is not deterministic");
        self.position += 1;
        choice.option
    }

    /// Goes to the next order, depth first. Returns `false` after the last one.
    fn advance(&mut self) -> bool {
        self.position = 0;
        while let Some(choice) = self.choices.last_mut() {
            choice.option += 1;
            if choice.option < choice.options {
                return true;
            }
            self.choices.pop();
        }
        false
    }
}

/// Runs a model in each order, and returns the number of orders. A failure prints its order.
pub fn explore(mut run: impl FnMut(&mut Schedule)) -> usize {
    let mut schedule = Schedule {
        choices: Vec::new(),
        position: 0,
    };
    let mut orders = 0;
    loop {
        run(&mut schedule);
        orders += 1;
        if !schedule.advance() {
            return orders;
        }
    }
}

impl Drop for Schedule {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let options: Vec<usize> = self.choices.iter().map(|it| it.option).collect();
            eprintln!("order of the failure: {options:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_order_of_two_and_two_steps_runs_once() {
        let mut seen = Vec::new();
        let orders = explore(|schedule| {
            let (mut left, mut order) = ([2, 2], String::new());
            while left != [0, 0] {
                let ready: Vec<usize> = (0..2).filter(|thread| left[*thread] > 0).collect();
                let thread = ready[schedule.choose(ready.len())];
                left[thread] -= 1;
                order.push(['a', 'b'][thread]);
            }
            seen.push(order);
        });
        assert_eq!(orders, 6);
        assert_eq!(seen, ["aabb", "abab", "abba", "baab", "baba", "bbaa"]);
    }
}
