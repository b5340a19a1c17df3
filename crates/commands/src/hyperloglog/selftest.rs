//! A test that the server runs on itself.

use datatypes::hyperloglog::{HyperLogLog, Observation, REGISTERS, Registers};
use engine::command::Flags;
use engine::{Acl, Args, Arity, Command, CommandResult, Context, Error};
use stdx::prng::Prng;

use super::corrupted;

pub(super) static PFSELFTEST: Command = Command {
    name: "pfselftest",
    syntax: "",
    summary: "Tests registers and estimates of HyperLogLogs with random ones.",
    since: "2.8.9",
    complexity: "N/A",
    arity: Arity::Exactly(1),
    flags: Flags::ADMIN.and(Flags::LONG),
    acl: Acl::HYPERLOGLOG,
    handler: pfselftest,
    ..Command::BLANK
};

/// The same numbers each time: what fails once fails again.
const SEED: u64 = 0x4859_4c4c;

/// How often registers are filled at random.
const FILLINGS: usize = 100;

/// A dense register's highest rank.
const RANK_MAX: u64 = 63;

/// Elements of the largest set, and how many more than the last the next one to be looked at has.
const ELEMENTS_MAX: u64 = 1_000_000;
const GROWTH: u64 = 10;

/// Sets up to this size are counted sparse and dense.
const SPARSE_ELEMENTS_MAX: u64 = 1000;

/// An estimate may be wrong by so many standard errors of 1.04 / √registers.
const ERRORS_MAX: f64 = 5.0;

fn pfselftest(cx: &mut Context<'_>, _: &mut Args<'_>) -> CommandResult {
    let mut prng = Prng::new(SEED);
    registers_keep_ranks(&mut prng)?;
    estimates_are_close(&mut prng)?;
    Ok(cx.reply.ok())
}

fn dense() -> Result<HyperLogLog<'static>, Error> {
    let mut value = HyperLogLog::empty();
    value.densify().map_err(corrupted)?;
    Ok(value)
}

fn registers_keep_ranks(prng: &mut Prng) -> Result<(), Error> {
    for _ in 0..FILLINGS {
        let mut value = dense()?;
        let mut expected = vec![0; REGISTERS];
        for (register, expected) in expected.iter_mut().enumerate() {
            *expected = prng.below(RANK_MAX + 1) as u8;
            let rank = *expected;
            let observed = Observation { register, rank };
            value.raise(observed, 0).map_err(corrupted)?;
        }
        let kept = value.ranks().map_err(corrupted)?;
        let pairs = kept.ranks().iter().zip(&expected).enumerate();
        for (register, (kept, expected)) in pairs {
            if kept != expected {
                return Err(Error::text(format!(
                    "TESTFAILED Register {register} should be {expected} but is {kept}"
                )));
            }
        }
    }
    Ok(())
}

fn estimates_are_close(prng: &mut Prng) -> Result<(), Error> {
    let seed = prng.next_u64();
    let (mut full, mut sparse) = (dense()?, HyperLogLog::empty());
    let mut looked_at = 1;
    for count in 1..=ELEMENTS_MAX {
        let observed = Observation::of(&(seed ^ count).to_le_bytes());
        full.raise(observed, 0).map_err(corrupted)?;
        if count <= SPARSE_ELEMENTS_MAX {
            sparse.raise(observed, u64::MAX).map_err(corrupted)?;
        }
        if count < looked_at {
            continue;
        }
        looked_at *= GROWTH;
        let registers = full.ranks().map_err(corrupted)?;
        if count <= SPARSE_ELEMENTS_MAX {
            agrees(&registers, &sparse)?;
        }
        let estimate = registers.cardinality();
        let error = estimate.abs_diff(count as i64);
        let error_max = ERRORS_MAX * 1.04 / (REGISTERS as f64).sqrt() * count as f64;
        if error as f64 > error_max.ceil() {
            return Err(Error::text(format!(
                "TESTFAILED Too big error. card:{count} abserr:{error}"
            )));
        }
    }
    Ok(())
}

/// Sparse registers are those of the same elements in a dense value.
fn agrees(registers: &Registers, sparse: &HyperLogLog<'_>) -> Result<(), Error> {
    let same = sparse.ranks().map_err(corrupted)?.ranks() == registers.ranks();
    if same {
        Ok(())
    } else {
        Err(Error::text("TESTFAILED dense/sparse disagree"))
    }
}
