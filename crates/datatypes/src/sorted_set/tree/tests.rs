use super::*;

impl Tree {
    /// Checks all that holds between operations. Returns the elements in their order.
    pub fn invariants(&self) -> Vec<Handle> {
        let (mut elements, mut bytes) = (Vec::new(), 0);
        let mut depths = Vec::new();
        self.root
            .invariants(0, &mut elements, &mut bytes, &mut depths);
        assert_eq!(self.len(), elements.len());
        assert_eq!(self.memory(), bytes);
        depths.dedup();
        assert!(depths.len() <= 1, "all leaves are on one level");
        if let Node::Inner(_, children) = &self.root {
            assert!(children.len() > 1, "a root has a choice");
        }
        let keys = elements.iter().map(|handle| {
            let element = element(handle);
            (element.order(), element.member())
        });
        assert!(keys.is_sorted_by(|a, b| a < b));
        elements
    }

    /// Elements per leaf, on average.
    pub fn leaf_len(&self) -> f64 {
        let (mut elements, mut depths) = (Vec::new(), Vec::new());
        self.root.invariants(0, &mut elements, &mut 0, &mut depths);
        elements.len() as f64 / depths.len() as f64
    }
}

impl Node {
    fn invariants(
        &self,
        depth: usize,
        elements: &mut Vec<Handle>,
        bytes: &mut usize,
        depths: &mut Vec<usize>,
    ) {
        *bytes += self.bytes();
        match self {
            Node::Absent => assert_eq!(depth, 0, "only an empty tree has no nodes"),
            Node::Leaf(count, leaf) => {
                assert_eq!(*count as usize, leaf.len());
                assert!(!leaf.is_empty());
                elements.extend_from_slice(leaf);
                depths.push(depth);
            }
            Node::Inner(count, children) => {
                for pair in children.windows(2) {
                    let len = pair[0].node.len() + pair[1].node.len();
                    assert!(len > pair[0].node.len_max() / 2, "neighbours are joined");
                }
                let before = elements.len();
                for child in children.iter() {
                    let first = elements.len();
                    child.node.invariants(depth + 1, elements, bytes, depths);
                    assert_eq!(child.first, elements[first]);
                    assert_eq!(child.order, element(&child.first).order());
                }
                assert_eq!(*count as usize, elements.len() - before);
            }
        }
    }
}
