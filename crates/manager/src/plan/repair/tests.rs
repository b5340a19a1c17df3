use super::*;
use crate::view::tests::view;

/// Three primaries; slot 5 belongs to the first.
fn three() -> View {
    view(&[0..10, 10..20, 20..30])
}

fn facts(keys: [u64; 3]) -> Facts {
    Facts {
        slot: 5,
        keys: keys.to_vec(),
    }
}

fn opened(view: &mut View, migrating: &[(usize, &str)], importing: &[(usize, &str)]) {
    for (node, id) in migrating {
        view.nodes[*node].migrating.push((5, (*id).to_owned()));
    }
    for (node, id) in importing {
        view.nodes[*node].importing.push((5, (*id).to_owned()));
    }
}

/// What is done, without what is said.
fn deeds(view: &View, keys: [u64; 3], dialect: Dialect) -> Vec<Step> {
    let steps = open_slot(view, &facts(keys), dialect).unwrap();
    let said = |step: &Step| {
        matches!(
            step,
            Step::Heading(_) | Step::Warning(_) | Step::Bad(_) | Step::Line(_)
        )
    };
    steps.into_iter().filter(|step| !said(step)).collect()
}

const ALL: [Dialect; 3] = [Dialect::Ochre, Dialect::Cli, Dialect::Trib];

#[test]
fn a_copy_that_was_left_is_continued_or_taken_back() {
    let mut view = three();
    opened(&mut view, &[(0, "b")], &[(1, "a")]);
    let go_on = [Step::Move {
        source: 0,
        target: 1,
    }];
    for dialect in [Dialect::Ochre, Dialect::Trib] {
        assert_eq!(deeds(&view, [7, 3, 0], dialect), go_on);
        assert_eq!(deeds(&view, [3, 7, 0], dialect), go_on);
    }
    assert_eq!(deeds(&view, [7, 0, 0], Dialect::Cli), go_on);
    // Scripts that know redis-cli expect the smaller part to move.
    let back = deeds(&view, [7, 3, 0], Dialect::Cli);
    assert!(back.contains(&Step::Carry {
        source: 1,
        target: 0
    }));
    let forth = deeds(&view, [3, 7, 0], Dialect::Cli);
    assert!(forth.contains(&Step::Carry {
        source: 0,
        target: 1
    }));
    assert!(forth.contains(&Step::Claim(1)));
}

#[test]
fn stray_keys_make_no_owner() {
    for keys in [[1, 1, 0], [1, 9, 0], [0, 9, 9]] {
        for dialect in ALL {
            let mut view = three();
            opened(&mut view, &[], &[(1, "a")]);
            let steps = deeds(&view, keys, dialect);
            assert!(!steps.contains(&Step::Claim(1)), "{dialect:?} {steps:?}");
            let home = Step::Carry {
                source: 1,
                target: 0,
            };
            assert!(steps.contains(&home), "{dialect:?} {steps:?}");
            assert!(steps.contains(&Step::Stable(1)));
        }
    }
}

#[test]
fn a_mark_without_its_other_end_is_taken_away() {
    for keys in [[0, 0, 0], [5, 0, 0]] {
        for dialect in ALL {
            let mut view = three();
            opened(&mut view, &[(0, "b")], &[]);
            assert_eq!(deeds(&view, keys, dialect), [Step::Stable(0)]);
        }
    }
}

#[test]
fn of_several_targets_the_named_one_is_chosen() {
    let mut view = three();
    opened(&mut view, &[(0, "c")], &[(1, "a"), (2, "a")]);
    for dialect in ALL {
        let steps = deeds(&view, [5, 0, 0], dialect);
        let chosen = Step::Move {
            source: 0,
            target: 2,
        };
        assert_eq!(steps, [chosen, Step::Stable(1)]);
    }
    view.nodes[0].migrating = vec![(5, "gone".to_owned())];
    let steps = deeds(&view, [5, 0, 0], Dialect::Ochre);
    assert_eq!(steps, [Step::Stable(0), Step::Stable(1), Step::Stable(2)]);
}

#[test]
fn a_finished_move_is_told_to_its_source() {
    let mut view = three();
    view.nodes[0].slots.remove(5);
    view.nodes[1].slots.insert(5);
    opened(&mut view, &[(0, "b")], &[]);
    for dialect in ALL {
        assert_eq!(deeds(&view, [0, 4, 0], dialect), [Step::Stable(0)]);
    }
    let steps = deeds(&view, [2, 4, 0], Dialect::Ochre);
    let rest = Step::Carry {
        source: 0,
        target: 1,
    };
    assert!(steps.contains(&rest), "{steps:?}");
}

#[test]
fn without_any_claim_keys_decide_and_then_marks() {
    let mut view = three();
    view.nodes[0].slots.remove(5);
    opened(&mut view, &[], &[(1, "a")]);
    for dialect in ALL {
        let steps = deeds(&view, [0, 0, 0], dialect);
        assert_eq!(steps, [Step::Stable(1), Step::Claim(1)]);
        let steps = deeds(&view, [0, 0, 3], dialect);
        assert!(steps.contains(&Step::Claim(2)));
    }
}

#[test]
fn of_several_claims_the_later_epoch_holds() {
    let mut view = three();
    view.nodes[1].slots.insert(5);
    opened(&mut view, &[(0, "c")], &[]);
    for dialect in ALL {
        let steps = deeds(&view, [9, 1, 0], dialect);
        assert!(steps.contains(&Step::Claim(1)), "{steps:?}");
        assert!(steps.contains(&Step::Release(0)));
        assert!(steps.contains(&Step::Carry {
            source: 0,
            target: 1
        }));
    }
}

#[test]
fn uncovered_slots_are_told_apart() {
    let facts = |slot, keys: [u64; 3]| Facts {
        slot,
        keys: keys.to_vec(),
    };
    let found = uncovered(&[
        facts(1, [0, 0, 0]),
        facts(2, [0, 4, 0]),
        facts(3, [1, 0, 4]),
    ]);
    assert_eq!(found.empty, [1]);
    assert_eq!(found.single, [(2, 1)]);
    assert_eq!(found.several, [(3, vec![2, 0])]);
    let mut small = three();
    small.nodes[1].slots.remove(15);
    assert_eq!(
        cover_empty(&small, &[40, 41, 42, 43]),
        [(40, 1), (41, 0), (42, 1), (43, 2)]
    );
    let steps = gather_uncovered(&[2, 0]);
    assert_eq!(steps[0], Step::Claim(2));
    assert!(steps.contains(&Step::Carry {
        source: 0,
        target: 2
    }));
}
