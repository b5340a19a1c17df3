//! The nodes of a cluster, and tags that lead to their slots.

use std::sync::OnceLock;

use stdx::crc16::crc16;

pub const SLOTS: usize = 16384;

/// A node that holds slots.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    pub id: String,
    pub host: String,
    pub port: u16,
    pub slots: Vec<u16>,
}

/// The masters in `CLUSTER NODES`. A host that is not told is `asked`'s.
pub fn masters(text: &str, asked: &str) -> Vec<Master> {
    text.lines()
        .filter_map(|line| master(line, asked))
        .collect()
}

fn master(line: &str, asked: &str) -> Option<Master> {
    let words: Vec<&str> = line.split(' ').collect();
    let [id, place, flags, ..] = words[..] else {
        return None;
    };
    let is_of_use = flags
        .split(',')
        .all(|flag| flag != "noaddr" && flag != "fail");
    if !flags.split(',').any(|flag| flag == "master") || !is_of_use {
        return None;
    }
    let (host, port) = place.split(['@', ',']).next()?.rsplit_once(':')?;
    let mut slots = Vec::new();
    for range in words.get(8..).unwrap_or_default() {
        // A slot that moves stands in brackets, and is listed besides where it is.
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<u16>(), last.parse::<u16>()) {
            slots.extend((first..=last).filter(|slot| usize::from(*slot) < SLOTS));
        }
    }
    Some(Master {
        id: id.to_owned(),
        host: if host.is_empty() { asked } else { host }.to_owned(),
        port: port.parse().ok()?,
        slots,
    })
}

/// Three letters that hash to `slot`.
pub fn tag(slot: u16) -> [u8; 3] {
    static TAGS: OnceLock<Vec<[u8; 3]>> = OnceLock::new();
    TAGS.get_or_init(tags)[usize::from(slot)]
}

fn tags() -> Vec<[u8; 3]> {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut tags = vec![[0; 3]; SLOTS];
    for a in LETTERS {
        for b in LETTERS {
            for c in LETTERS {
                let tag = [*a, *b, *c];
                tags[usize::from(crc16(&tag)) % SLOTS] = tag;
            }
        }
    }
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_slot_has_a_tag() {
        for slot in 0..SLOTS as u16 {
            assert_eq!(crc16(&tag(slot)) as usize % SLOTS, usize::from(slot));
        }
    }

    #[test]
    fn masters_are_those_that_can_be_asked() {
        let text = "\
aa 127.0.0.1:7000@17000 myself,master - 0 0 1 connected 0-2 9 [5-<-bb]\n\
bb ::1:7001@17001,name master - 0 0 2 connected 100-101\n\
cc :7002@17002 master - 0 0 2 connected\n\
dd 127.0.0.1:7003@17003 slave aa 0 0 2 connected\n\
ee 127.0.0.1:7004@17004 master,fail - 0 0 2 disconnected 7\n\
nonsense\n";
        let found = masters(text, "asked");
        let plain: Vec<_> = found
            .iter()
            .map(|m| (m.id.as_str(), m.host.as_str(), m.port, m.slots.as_slice()))
            .collect();
        assert_eq!(
            plain,
            [
                ("aa", "127.0.0.1", 7000, &[0, 1, 2, 9][..]),
                ("bb", "::1", 7001, &[100, 101]),
                ("cc", "asked", 7002, &[]),
            ]
        );
    }
}
