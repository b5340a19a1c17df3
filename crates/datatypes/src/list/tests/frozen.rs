use super::*;

#[derive(Clone, Debug)]
enum Act {
    Change(Step),
    Pop(End, usize),
    Push(End, usize),
    Remove(usize, usize),
    Show(usize),
    Thaw(usize),
    Copy,
}

fn act() -> impl Strategy<Value = Act> {
    let change = step().prop_filter_map("what is freed is not shown", |step| match step {
        Step::Free(_) => None,
        step => Some(Act::Change(step)),
    });
    prop_oneof![
        20 => change,
        4 => (end(), 1_usize..400).prop_map(|(end, count)| Act::Pop(end, count)),
        3 => (end(), 1_usize..300).prop_map(|(end, count)| Act::Push(end, count)),
        3 => (any::<usize>(), 0_usize..900).prop_map(|(start, count)| Act::Remove(start, count)),
        8 => (0_usize..300).prop_map(Act::Show),
        1 => (0_usize..300).prop_map(Act::Thaw),
        1 => Just(Act::Copy),
    ]
}

/// A list, its model, and what both were when the list was frozen.
struct Moment {
    list: List,
    model: VecDeque<Vec<u8>>,
    held: Vec<Vec<u8>>,
    shown: Vec<Vec<u8>>,
    limits: Limits,
}

impl Moment {
    fn new(count: usize, limits: Limits) -> Moment {
        let mut moment = Moment {
            list: List::new(),
            model: VecDeque::new(),
            held: Vec::new(),
            shown: Vec::new(),
            limits,
        };
        moment.push(End::Tail, count);
        moment
    }

    fn freeze(&mut self) {
        assert_eq!(self.list.freeze(), matches!(self.list.0, Form::Large(_)));
        self.held = self.model.iter().cloned().collect();
        self.shown.clear();
    }

    /// Shows some. Returns whether any are left, and if not, checks what was shown.
    fn show(&mut self, budget: usize) -> bool {
        let Some(len) = self.list.frozen_len() else {
            return false;
        };
        assert_eq!(len, self.held.len());
        let before = self.shown.len();
        let shown = &mut self.shown;
        let is_left = self.list.show_frozen(budget, &mut |element| match element {
            Shown::Element(text) => shown.push(text.to_vec()),
            other => panic!("{other:?} is no element of a list"),
        });
        assert!(!is_left || self.shown.len() - before == budget.max(1));
        assert_eq!(is_left, self.list.frozen_len().is_some());
        if !is_left {
            assert_eq!(self.shown, self.held);
        }
        is_left
    }

    fn pop(&mut self, end: End, count: usize) {
        for _ in 0..count {
            apply(
                &mut self.list,
                &mut self.model,
                Step::Pop(end),
                &self.limits,
            );
        }
    }

    fn push(&mut self, end: End, count: usize) {
        for number in 0..count {
            let text = (number % 37).to_string().into_bytes();
            let step = Step::Push(end, text);
            apply(&mut self.list, &mut self.model, step, &self.limits);
        }
    }

    fn act(&mut self, act: Act) {
        match act {
            Act::Change(step) => apply(&mut self.list, &mut self.model, step, &self.limits),
            Act::Pop(end, count) => self.pop(end, count),
            Act::Push(end, count) => self.push(end, count),
            Act::Remove(start, count) => {
                let step = Step::RemoveRange(start, count);
                apply(&mut self.list, &mut self.model, step, &self.limits);
            }
            Act::Copy => {
                let copy = self.list.clone();
                assert_eq!(copy.frozen_len(), None);
                assert!(texts(copy.iter()).iter().eq(&self.model));
            }
            Act::Thaw(budget) => {
                while self.list.thaw(budget) {}
                assert_eq!(self.list.frozen_len(), None);
                self.freeze();
            }
            Act::Show(budget) => {
                if !self.show(budget) {
                    self.freeze();
                }
            }
        }
        if let Form::Large(nodes) = &self.list.0 {
            nodes.check_frozen();
        }
    }

    fn finish(mut self) {
        while self.show(100) {}
        check_nodes(&self.list, &self.limits);
        assert!(texts(self.list.iter()).iter().eq(&self.model));
        let is_one = self.list.node_count() == 1;
        let is_small = matches!(self.list.0, Form::Small(_));
        assert!(is_small || !is_one || matches!(self.list.node(0), Some(Node::Plain(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]
    #[test]
    fn shows_what_it_held(
        limits in limits(),
        count in 0_usize..3000,
        acts in vec(act(), 0..80),
    ) {
        let mut moment = Moment::new(count, limits);
        moment.freeze();
        for act in acts {
            moment.act(act);
        }
        moment.finish();
    }
}

#[test]
fn an_emptied_list_still_shows_what_it_held() {
    for end in [End::Head, End::Tail] {
        let mut moment = Moment::new(3000, Limits::of_directive(8));
        moment.freeze();
        assert!(moment.show(1000));
        moment.pop(end, 3000);
        assert_eq!((moment.list.len(), moment.list.node_count()), (0, 0));
        assert!(moment.list.memory() > 2000 * 2, "{}", moment.list.memory());
        assert!(moment.show(500));
        moment.finish();
    }
}

#[test]
fn changes_in_the_middle_set_aside_a_node_each() {
    let mut list = numbered(100_000, &Limits::default());
    let before = list.memory();
    assert!(list.freeze());
    for index in (0..100_000).step_by(10_000) {
        assert!(list.set(index, Text::Int(1), &Limits::default()));
    }
    let (aside, node) = (list.memory() - before, 8 << 10);
    assert!(aside > 9 * node && aside < 12 * node, "{aside}");
    list.remove_range(0, 90_000, &Limits::default());
    assert!(list.memory() < before + 11 * node, "{}", list.memory());
    let mut next = 0;
    let mut see = |element: Shown<'_>| {
        let Shown::Element(text) = element else {
            panic!("{element:?} is no element of a list");
        };
        assert_eq!(number(text), next);
        next += 1;
    };
    while list.show_frozen(1000, &mut see) {}
    assert_eq!(next, 100_000);
    assert!(list.memory() < before / 9, "{}", list.memory());
}

#[test]
fn giving_up_takes_bounded_steps() {
    let mut list = numbered(50_000, &Limits::default());
    assert!(list.freeze());
    list.remove_range(10, 49_900, &Limits::default());
    let mut steps = 0;
    while list.thaw(1000) {
        steps += 1;
    }
    assert!((30..50).contains(&steps), "{steps}");
    assert_eq!((list.len(), list.frozen_len()), (100, None));
    assert!(matches!(list.0, Form::Small(_)));

    let mut list = numbered(50_000, &Limits::default());
    assert!(list.freeze());
    list.remove_range(10, 49_900, &Limits::default());
    let (mut freed, mut steps) = (0, 0);
    loop {
        match list.free_some(1000) {
            0 => break,
            some => {
                assert!(some < 2000, "{some}");
                (freed, steps) = (freed + some, steps + 1);
            }
        }
    }
    assert_eq!((freed, list.frozen_len(), list.memory()), (50_000, None, 8));
    assert!(steps > 25, "{steps}");
}
