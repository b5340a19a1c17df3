//! Where `BY` and `GET` look: `weight_*` is a key with the element in place of `*`, and
//! `object_*->weight` the field of a hash.

use datatypes::{Hash, Text};
use engine::Context;
use keyspace::Kind;

use super::texts::Texts;

pub(super) enum Pattern<'a> {
    /// `#`: the element itself.
    Element,
    Key {
        before: &'a [u8],
        after: &'a [u8],
        field: Option<&'a [u8]>,
    },
    /// Nothing takes the element's place, so there is nothing to look at.
    Constant,
}

impl<'a> Pattern<'a> {
    /// Whether the element takes part in the name of a key.
    pub(super) fn names_keys(text: &[u8]) -> bool {
        text.contains(&b'*')
    }

    pub(super) fn of(text: &'a [u8]) -> Pattern<'a> {
        if text == b"#" {
            return Pattern::Element;
        }
        let Some(star) = text.iter().position(|&byte| byte == b'*') else {
            return Pattern::Constant;
        };
        let (before, rest) = (&text[..star], &text[star + 1..]);
        // An arrow at the very end belongs to the key.
        let arrow = rest.windows(2).position(|pair| pair == b"->");
        let arrow = arrow.filter(|at| at + 2 < rest.len());
        let (after, field) = match arrow {
            Some(at) => (&rest[..at], Some(&rest[at + 2..])),
            None => (rest, None),
        };
        Pattern::Key {
            before,
            after,
            field,
        }
    }

    /// Adds what the pattern finds for an element to `found`.
    pub(super) fn look(&self, cx: &mut Context<'_>, element: &[u8], found: &mut Texts) {
        let (before, after, field) = match self {
            Pattern::Element => return found.push(Text::Bytes(element)),
            Pattern::Constant => return found.push_absent(),
            Pattern::Key {
                before,
                after,
                field,
            } => (before, after, field),
        };
        let name = [before, element, after].concat();
        let key = cx.db.key(&name);
        let Some(entry) = cx.read(&key) else {
            return found.push_absent();
        };
        let hash = entry.value::<Hash>();
        let text = match field {
            Some(field) => hash.as_deref().and_then(|hash| hash.get(field)),
            None => (entry.kind() == Kind::String).then(|| entry.text()),
        };
        match text {
            Some(text) => found.push(text),
            None => found.push_absent(),
        }
    }

    /// What the pattern finds for each of the elements.
    pub(super) fn weights(&self, cx: &mut Context<'_>, elements: &Texts) -> Texts {
        let mut weights = Texts::default();
        for at in 0..elements.len() {
            let element = elements.get(at).expect("no element is absent");
            self.look(cx, element, &mut weights);
        }
        weights
    }
}
