//! Elements of a list, one by one.

use super::{End, List, Node};
use crate::{Text, listpack};

/// Elements from some index on, towards either end.
#[derive(Clone)]
pub struct Walk<'a> {
    list: &'a List,
    node: usize,
    rest: Rest<'a>,
    towards: End,
}

/// What is left of one node.
#[derive(Clone)]
enum Rest<'a> {
    Packed(listpack::Iter<'a>),
    Plain(Option<&'a [u8]>),
}

impl<'a> Walk<'a> {
    pub(super) fn new(list: &'a List, node: usize, passed: usize, towards: End) -> Walk<'a> {
        let rest = match list.node(node) {
            None => Rest::Plain(None),
            Some(Node::Plain(bytes)) => Rest::Plain(Some(bytes)),
            Some(Node::Packed(pack)) => Rest::Packed(pack.iter()),
        };
        let mut walk = Walk {
            list,
            node,
            rest,
            towards,
        };
        for _ in 0..passed {
            walk.within_node();
        }
        walk
    }

    #[inline]
    fn within_node(&mut self) -> Option<Text<'a>> {
        match (&mut self.rest, self.towards) {
            (Rest::Packed(iter), End::Tail) => iter.next(),
            (Rest::Packed(iter), End::Head) => iter.next_back(),
            (Rest::Plain(bytes), _) => bytes.take().map(Text::Bytes),
        }
    }
}

impl<'a> Iterator for Walk<'a> {
    type Item = Text<'a>;

    #[inline]
    fn next(&mut self) -> Option<Text<'a>> {
        if let Some(text) = self.within_node() {
            return Some(text);
        }
        let node = match self.towards {
            End::Tail => self.node + 1,
            End::Head => self.node.checked_sub(1)?,
        };
        self.list.node(node)?;
        *self = Walk::new(self.list, node, 0, self.towards);
        self.within_node()
    }
}
