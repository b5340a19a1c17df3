//! Makes what fails small: leaves steps out, then words, as long as it still fails.

use std::time::Instant;

use super::step::Step;

/// The smallest sequence found until the deadline for which `fails` holds, as it does for `steps`.
pub fn shrink(
    steps: Vec<Step>,
    deadline: Instant,
    mut fails: impl FnMut(&[Step]) -> bool,
) -> Vec<Step> {
    let mut smallest = steps;
    loop {
        let before = smallest.clone();
        drop_steps(&mut smallest, deadline, &mut fails);
        simplify_steps(&mut smallest, deadline, &mut fails);
        if smallest == before || Instant::now() >= deadline {
            return smallest;
        }
    }
}

/// Leaves out halves, quarters, and so on to single steps, from the end, since what fails does so
/// there.
fn drop_steps(steps: &mut Vec<Step>, deadline: Instant, fails: &mut impl FnMut(&[Step]) -> bool) {
    let mut len = steps.len().div_ceil(2);
    while len > 0 {
        let mut end = steps.len();
        while end > 0 {
            if Instant::now() >= deadline {
                return;
            }
            let start = end.saturating_sub(len);
            let mut fewer = steps.clone();
            fewer.drain(start..end);
            if !fewer.is_empty() && fails(&fewer) {
                *steps = fewer;
            }
            end = start.min(steps.len());
        }
        len /= 2;
    }
}

fn simplify_steps(steps: &mut [Step], deadline: Instant, fails: &mut impl FnMut(&[Step]) -> bool) {
    for at in 0..steps.len() {
        // What belongs together stays as it is: a draw and what makes up for it.
        if steps[at].commands.len() > 1 {
            continue;
        }
        let mut number = 0;
        while let Some(simpler) = simpler(&steps[at], number) {
            if Instant::now() >= deadline {
                return;
            }
            let whole = std::mem::replace(&mut steps[at], simpler);
            if fails(steps) {
                continue;
            }
            steps[at] = whole;
            number += 1;
        }
    }
}

/// The step made simpler in one way; `None` if there are not so many.
fn simpler(step: &Step, number: usize) -> Option<Step> {
    let words = &step.commands[0];
    let mut simpler = words.clone();
    // Every word but the first can be left out, then every long one shortened.
    if number + 1 < words.len() {
        simpler.remove(words.len() - 1 - number);
    } else {
        let mut long = (1..words.len()).filter(|&at| words[at].len() > 1);
        let at = long.nth(number + 1 - words.len())?;
        simpler[at].truncate(words[at].len() / 2);
    }
    Some(Step::new(&step.client, simpler))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::oracle::fuzz::step::line;

    /// A server that forgets what was appended to `k` when `k` is renamed.
    fn fails(steps: &[Step]) -> bool {
        let mut appended = false;
        steps.iter().flat_map(|step| &step.commands).any(|words| {
            let words: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
            match words[..] {
                [b"APPEND", b"k", value, ..] => appended |= value.len() > 1,
                [b"RENAME", b"k", ..] if appended => return true,
                _ => {}
            }
            false
        })
    }

    #[test]
    fn a_planted_failure_is_found() {
        let mut steps: Vec<Step> = (0..200)
            .map(|at| Step::of("", &format!("SET k{at} v{at}")))
            .collect();
        steps.insert(60, Step::of("", "APPEND k abcdefgh"));
        steps.insert(150, Step::of("b", "RENAME k other now"));
        assert!(fails(&steps));
        let mut calls = 0;
        let deadline = Instant::now() + Duration::from_secs(60);
        let shrunk = shrink(steps, deadline, |steps| {
            calls += 1;
            fails(steps)
        });
        let lines: Vec<String> = shrunk
            .iter()
            .map(|step| line(&step.client, &step.commands[0]))
            .collect();
        assert_eq!(lines, ["> APPEND k ab", "b> RENAME k"]);
        assert!(calls < 200, "{calls} calls");
    }

    #[test]
    fn time_is_bounded() {
        let steps = vec![Step::of("", "GET k"); 50];
        let shrunk = shrink(steps.clone(), Instant::now(), |_| true);
        assert_eq!(shrunk, steps);
    }
}
