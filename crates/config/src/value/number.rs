//! Numbers, yes and no, permissions, and the number of worker threads.

use super::{How, Refusal, Value, decimal, single};
use crate::directive::Limits;

const NO_INTEGER: &str = "argument couldn't be parsed into an integer";

fn integer(words: &[Vec<u8>], limits: &Limits) -> Result<i128, Refusal> {
    let number: i64 = decimal(single(words)?).ok_or(Refusal::because(NO_INTEGER))?;
    limits.admit(i128::from(number))
}

/// Stores what the row's limits admitted. A row whose limits exceed its type is a mistake here.
fn store<T: TryFrom<i128>>(place: &mut T, number: i128) {
    *place = T::try_from(number)
        .ok()
        .expect("the limits of a directive lie within the type of its field");
}

impl Value for u16 {
    fn assign(&mut self, words: &[Vec<u8>], _: How, limits: &Limits) -> Result<(), Refusal> {
        store(self, integer(words, limits)?);
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Value for u32 {
    fn assign(&mut self, words: &[Vec<u8>], _: How, limits: &Limits) -> Result<(), Refusal> {
        store(self, integer(words, limits)?);
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Value for u64 {
    fn assign(&mut self, words: &[Vec<u8>], _: How, limits: &Limits) -> Result<(), Refusal> {
        store(self, integer(words, limits)?);
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Value for i64 {
    fn assign(&mut self, words: &[Vec<u8>], _: How, limits: &Limits) -> Result<(), Refusal> {
        store(self, integer(words, limits)?);
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.to_string().into_bytes()
    }
}

impl Value for bool {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let word = single(words)?;
        *self = word.eq_ignore_ascii_case(b"yes");
        match *self || word.eq_ignore_ascii_case(b"no") {
            true => Ok(()),
            false => Err(Refusal::because("argument must be 'yes' or 'no'")),
        }
    }

    fn print(&self) -> Vec<u8> {
        if *self {
            b"yes".to_vec()
        } else {
            b"no".to_vec()
        }
    }
}

/// The permission bits of a file, written in octal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Permission(pub u32);

impl Value for Permission {
    fn assign(&mut self, words: &[Vec<u8>], _: How, _: &Limits) -> Result<(), Refusal> {
        let text = std::str::from_utf8(single(words)?).unwrap_or("?");
        let bits = match text {
            "" => 0,
            _ => i64::from_str_radix(text, 8)
                .map_err(|_| Refusal::because("argument couldn't be parsed as an octal number"))?,
        };
        if !(0..=0o777).contains(&bits) {
            return Err(Refusal::outside(0, 777));
        }
        self.0 = u32::try_from(bits).expect("nine bits fit in thirty-two");
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        format!("{:o}", self.0).into_bytes()
    }
}

/// How many worker threads serve commands: what the operator asked for, or one per core.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    asked: Option<u32>,
    effective: u32,
}

impl Threads {
    pub(crate) const ONE_PER_CORE: Threads = Threads {
        asked: None,
        effective: 1,
    };

    /// What the operator asked for; nothing means one per core.
    pub fn asked(&self) -> Option<u32> {
        self.asked
    }

    /// The number in use, as CONFIG GET answers it.
    pub fn effective(&self) -> u32 {
        self.effective
    }

    /// Notes the number the server chose. It is no wish of the operator's, so a rewritten file
    /// does not pin it.
    pub fn set_effective(&mut self, threads: u32) {
        self.effective = threads;
    }
}

/// Two wishes are compared: the number in use follows from the machine.
impl PartialEq for Threads {
    fn eq(&self, other: &Threads) -> bool {
        self.asked == other.asked
    }
}

impl Value for Threads {
    fn assign(&mut self, words: &[Vec<u8>], how: How, limits: &Limits) -> Result<(), Refusal> {
        let mut threads = 0u32;
        threads.assign(words, how, limits)?;
        *self = Threads {
            asked: Some(threads),
            effective: threads,
        };
        Ok(())
    }

    fn print(&self) -> Vec<u8> {
        self.effective.print()
    }
}
