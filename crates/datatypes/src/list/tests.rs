use std::collections::VecDeque;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

mod frozen;

const DEFAULT: i64 = -2;

fn texts<'a>(walk: impl Iterator<Item = Text<'a>>) -> Vec<Vec<u8>> {
    walk.map(Text::to_vec).collect()
}

/// A large list of so many numbers of sixteen digits.
fn numbered(count: usize, limits: &Limits) -> List {
    let mut list = List::new();
    for number in 0..count {
        let text = format!("element-{number:08}");
        list.push(End::Tail, Text::Bytes(text.as_bytes()), limits);
    }
    list
}

fn number(text: Text<'_>) -> usize {
    let text = String::from_utf8(text.to_vec()).expect("a test's own text");
    text["element-".len()..].parse().expect("a test's own text")
}

#[test]
fn directives_are_sizes_or_counts() {
    let limits = |size| {
        let limits = Limits::of_directive(size);
        (limits.bytes_max, limits.count_max)
    };
    assert_eq!(limits(-1), (4096, usize::MAX));
    assert_eq!(limits(-2), (8192, usize::MAX));
    assert_eq!(limits(-5), (65536, usize::MAX));
    assert_eq!(limits(-6), (65536, usize::MAX));
    assert_eq!(limits(0), (8192, 1));
    assert_eq!(limits(128), (8192, 128));
    assert_eq!(limits(i64::MAX), (8192, 32768));
}

#[test]
fn elements_of_a_large_list_take_little_more_than_themselves() {
    let list = numbered(1_000_000, &Limits::default());
    let per_element = list.memory() as f64 / 1_000_000.0;
    assert!(per_element < 18.5, "{per_element}");
    assert_eq!(list.len(), 1_000_000);
    for index in [0, 1, 454, 499_999, 500_000, 999_999] {
        assert_eq!(list.get(index).map(number), Some(index));
    }
    assert!(list.get(1_000_000).is_none());
}

/// Bytes of the first node.
fn head_bytes(list: &List) -> usize {
    match list.node(0) {
        Some(Node::Packed(pack)) => pack.bytes_len(),
        _ => panic!("these elements are packed"),
    }
}

#[test]
fn a_list_that_grows_at_its_head_is_packed_as_well_and_moves_little() {
    let limits = Limits::default();
    let mut list = numbered(1000, &limits);
    for number in 0..500_000 {
        let text = format!("element-{number:08}");
        list.push(End::Head, Text::Bytes(text.as_bytes()), &limits);
        assert!(head_bytes(&list) <= 1024);
    }
    check_nodes(&list, &limits);
    let per_element = list.memory() as f64 / list.len() as f64;
    assert!(per_element < 18.5, "{per_element}");
    let mut moved = 0;
    for expected in (0..500_000).rev() {
        moved += head_bytes(&list);
        assert_eq!(list.pop(End::Head, number), Some(expected));
    }
    assert!(moved / 500_000 < 1024, "{moved}");
    assert!(list.iter().map(number).eq(0..1000));
}

#[test]
fn large_elements_pushed_at_the_head_do_not_move_on() {
    let limits = Limits::default();
    let mut list = numbered(500, &limits);
    for _ in 0..1000 {
        list.push(End::Head, Text::Bytes(&[b'x'; 300]), &limits);
        assert!(head_bytes(&list) <= 4096);
    }
    check_nodes(&list, &limits);
    let per_element = (list.memory() - 500 * 18) as f64 / 1000.0;
    assert!(per_element < 320.0, "{per_element}");
}

#[test]
fn a_list_is_small_until_a_node_is_full_and_again_when_one_is_left() {
    let limits = Limits::of_directive(4);
    let mut list = numbered(4, &limits);
    assert!(matches!(list.0, Form::Small(_)));
    list.push(End::Head, Text::Int(5), &limits);
    assert!(matches!(list.0, Form::Large(_)));
    assert_eq!(
        list.pop(End::Head, |text| text.to_vec()),
        Some(b"5".to_vec())
    );
    assert!(matches!(list.0, Form::Small(_)));
    assert_eq!(list.len(), 4);
}

#[test]
fn large_elements_stand_alone() {
    let limits = Limits {
        plain_bytes_min: 100_000,
        ..Limits::default()
    };
    let (big, plain) = (vec![b'b'; 50_000], vec![b'p'; 100_000]);
    let mut list = numbered(10, &limits);
    assert!(list.set(5, Text::Bytes(&big), &limits));
    assert!(list.insert(Text::Bytes(&big), End::Tail, Text::Bytes(&plain), &limits));
    let counts: Vec<usize> = (0..list.node_count())
        .map(|node| match list.node(node) {
            Some(Node::Packed(pack)) => pack.len(),
            _ => 0,
        })
        .collect();
    assert_eq!(counts, [5, 1, 0, 4]);
    assert_eq!(list.get(6), Some(Text::Bytes(&plain)));
    assert_eq!(
        list.remove_equal(Text::Bytes(&plain), 9, End::Head, &limits),
        1
    );
    assert!(list.set(5, Text::Int(1), &limits));
    assert_eq!(list.len(), 10);
}

#[test]
fn what_shrinks_is_joined() {
    let limits = Limits::default();
    let mut list = numbered(100_000, &limits);
    let nodes = list.node_count();
    for kept in 1..=10_000 {
        list.remove_range(kept, 9, &limits);
    }
    assert_eq!(list.len(), 10_000);
    assert!(list.node_count() < nodes / 3, "{}", list.node_count());
    assert!(list.memory() < 10_000 * 18 * 4, "{}", list.memory());
    assert!(list.iter().map(number).eq((0..100_000).step_by(10)));
}

#[test]
fn the_directory_gives_room_back() {
    let limits = Limits::of_directive(1);
    let mut list = numbered(10_000, &limits);
    let full = list.memory();
    list.remove_range(10, 9_980, &limits);
    assert!(list.memory() * 50 < full, "{} of {full}", list.memory());
    assert_eq!(list.len(), 20);
}

#[test]
fn tearing_down_goes_in_steps() {
    let mut list = numbered(10_000, &Limits::default());
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
    assert_eq!((freed, list.len()), (10_000, 0));
    assert!(steps >= 7, "{steps}");
    assert_eq!(list.memory(), 8);
}

#[test]
fn a_list_survives_being_a_word() {
    for count in [0, 3, 10_000] {
        let list = numbered(count, &Limits::default());
        let (is_large, raw) = list.into_raw();
        assert_eq!(is_large, count == 10_000);
        // SAFETY: both came from `into_raw` just above, and are used once.
        let list = unsafe { List::from_raw(is_large, raw) };
        assert!(list.iter().map(number).eq(0..count));
    }
}

#[test]
fn what_a_peer_saved_is_loaded_node_by_node() {
    let limits = Limits::default();
    let mut list = List::new();
    let mut pack = Listpack::new();
    list.append(pack.clone(), &limits);
    assert_eq!(list.node_count(), 0);
    (0..30_000).for_each(|number| pack.push_back(Text::Int(number)));
    list.append(pack.clone(), &limits);
    assert!(list.node_count() > 5, "{}", list.node_count());
    let nodes = list.node_count();
    pack.remove_range(pack.seek(100).expect("there are more"), usize::MAX);
    list.append(pack.clone(), &limits);
    list.append_plain(b"plain".as_slice().into());
    assert_eq!(list.node_count(), nodes + 2);
    assert_eq!(list.len(), 30_101);
    assert_eq!(list.walk(30_100, End::Head).nth(1), Some(Text::Int(99)));
}

fn text() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => (0_i64..6).prop_map(|number| number.to_string().into_bytes()),
        4 => vec(prop_oneof![Just(b'a'), Just(b'b')], 0..3),
        2 => (0_usize..200).prop_map(|len| vec![b'l'; len]),
        1 => (0_usize..3).prop_map(|more| vec![b'p'; 3000 + more]),
    ]
}

fn limits() -> impl Strategy<Value = Limits> {
    prop_oneof![
        (1_i64..8).prop_map(Limits::of_directive),
        (30_usize..200, 100_usize..4000).prop_map(|(bytes_max, plain_bytes_min)| Limits {
            bytes_max,
            plain_bytes_min,
            ..Limits::of_directive(DEFAULT)
        }),
    ]
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Head), Just(End::Tail)]
}

#[derive(Clone, Debug)]
enum Step {
    Push(End, Vec<u8>),
    Pop(End),
    Set(usize, Vec<u8>),
    Insert(Vec<u8>, End, Vec<u8>),
    RemoveRange(usize, usize),
    RemoveEqual(Vec<u8>, usize, End),
    Free(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (end(), text()).prop_map(|(end, text)| Step::Push(end, text)),
        3 => end().prop_map(Step::Pop),
        4 => (any::<usize>(), text()).prop_map(|(index, text)| Step::Set(index, text)),
        8 => (text(), end(), text()).prop_map(|(pivot, side, text)| {
            Step::Insert(pivot, side, text)
        }),
        2 => (any::<usize>(), 0_usize..12).prop_map(|(start, count)| {
            Step::RemoveRange(start, count)
        }),
        2 => (text(), 1_usize..4, end()).prop_map(|(text, max, from)| {
            Step::RemoveEqual(text, max, from)
        }),
        1 => (0_usize..3).prop_map(Step::Free),
    ]
}

/// Does the same to a list and to its model.
fn apply(list: &mut List, model: &mut VecDeque<Vec<u8>>, step: Step, limits: &Limits) {
    match step {
        Step::Push(end, text) => {
            list.push(end, Text::Bytes(&text), limits);
            match end {
                End::Head => model.push_front(text),
                End::Tail => model.push_back(text),
            }
        }
        Step::Pop(end) => {
            let popped = match end {
                End::Head => model.pop_front(),
                End::Tail => model.pop_back(),
            };
            assert_eq!(list.pop(end, |text| text.to_vec()), popped);
        }
        Step::Set(index, text) => {
            let index = index % (model.len() + 1);
            assert_eq!(
                list.set(index, Text::Bytes(&text), limits),
                index < model.len()
            );
            if let Some(place) = model.get_mut(index) {
                *place = text;
            }
        }
        Step::Insert(pivot, side, text) => {
            let at = model.iter().position(|element| *element == pivot);
            let inserted = list.insert(Text::Bytes(&pivot), side, Text::Bytes(&text), limits);
            assert_eq!(inserted, at.is_some());
            if let Some(at) = at {
                model.insert(at + usize::from(side == End::Tail), text);
            }
        }
        Step::RemoveRange(start, count) => {
            let start = start % (model.len() + 1);
            list.remove_range(start, count, limits);
            model.drain(start..(start + count).min(model.len()));
        }
        Step::RemoveEqual(text, max, from) => {
            let removed = remove_equal_from_model(model, &text, max, from);
            assert_eq!(
                list.remove_equal(Text::Bytes(&text), max, from, limits),
                removed
            );
        }
        Step::Free(budget) => {
            let freed = list.free_some(budget);
            assert_eq!(freed == 0, model.is_empty());
            model.truncate(model.len() - freed);
        }
    }
}

fn remove_equal_from_model(
    model: &mut VecDeque<Vec<u8>>,
    text: &[u8],
    max: usize,
    from: End,
) -> usize {
    for removed in 0..max {
        let mut elements = model.iter();
        let at = match from {
            End::Head => elements.position(|element| element == text),
            End::Tail => elements.rposition(|element| element == text),
        };
        let Some(at) = at else { return removed };
        model.remove(at);
    }
    max
}

fn check_reading(list: &List, model: &VecDeque<Vec<u8>>) {
    assert!(texts(list.iter()).iter().eq(model));
    assert_eq!(
        (list.len(), list.is_empty()),
        (model.len(), model.is_empty())
    );
    for index in 0..model.len() {
        assert!(
            texts(list.walk(index, End::Tail))
                .iter()
                .eq(model.range(index..))
        );
        let back = texts(list.walk(index, End::Head));
        assert!(back.iter().eq(model.range(..=index).rev()));
    }
    assert!(list.walk(model.len(), End::Head).next().is_none());
}

/// The books agree with the nodes, and no node is empty or too full.
fn check_nodes(list: &List, limits: &Limits) {
    let (mut elements, mut bytes) = (0, 0);
    for node in 0..list.node_count() {
        match list.node(node).expect("it is counted") {
            Node::Plain(plain) => {
                assert!(plain.len() >= limits.plain_bytes_min);
                elements += 1;
                bytes += 16 + plain.len();
            }
            Node::Packed(pack) => {
                let len = pack.len();
                assert!(len == 1 || len <= limits.count_max && len > 0);
                assert!(len == 1 || pack.bytes_len() <= limits.bytes_max);
                assert!(Listpack::from_bytes(pack.as_bytes()).is_ok());
                elements += len;
                bytes += pack.memory();
            }
        }
    }
    assert_eq!(elements, list.len());
    match &list.0 {
        Form::Small(pack) => assert_eq!(pack.memory(), list.memory()),
        Form::Large(nodes) => {
            assert_eq!(nodes.bytes(), bytes);
        }
    }
}

proptest! {
    #[test]
    fn long_runs_at_the_ends_agree_with_a_deque(
        runs in vec((end(), any::<bool>(), 1_usize..600, 0_usize..90), 0..30),
    ) {
        let (mut list, mut model) = (List::new(), VecDeque::new());
        let limits = Limits::default();
        for (end, pushes, count, len) in runs {
            for number in 0..count {
                let step = match pushes {
                    true => Step::Push(end, format!("{number:0len$}").into_bytes()),
                    false => Step::Pop(end),
                };
                apply(&mut list, &mut model, step, &limits);
            }
            check_nodes(&list, &limits);
            assert!(texts(list.iter()).iter().eq(&model));
        }
    }

    #[test]
    fn agrees_with_a_deque(limits in limits(), steps in vec(step(), 0..150)) {
        let (mut list, mut model) = (List::new(), VecDeque::new());
        for step in steps {
            apply(&mut list, &mut model, step, &limits);
            check_nodes(&list, &limits);
        }
        check_reading(&list, &model);
        check_reading(&list.clone(), &model);
    }
}
