//! Ports for one run of the suite, apart from those of another run beside it.
//!
//! The suite looks for free ports itself, but where IPv6 is there it takes a port for free on which
//! somebody listens at 127.0.0.1, as its own test server does. So each run claims a block of ports.

use anyhow::{Result, bail};
use std::net::{Ipv4Addr, TcpListener};

/// The blocks end below the ports that the programs for Sentinels and clusters use, and so do those
/// 10000 beyond them, which buses take, below those the kernel gives to outgoing connections.
const FIRST: u16 = 12_000;
const BLOCKS: u16 = 11;
/// The suite's test server takes one of the 32 ports before the block's first.
const STRIDE: u16 = PortBlock::LENGTH + 100;

pub struct PortBlock {
    first: u16,
    /// The port behind the last one. Whoever listens there has the block.
    _claim: TcpListener,
}

impl PortBlock {
    /// Ports the suite may take for the servers it starts.
    pub const LENGTH: u16 = 600;

    /// A block that no other run has.
    pub fn claim() -> Result<Self> {
        for block in 0..BLOCKS {
            let first = FIRST + block * STRIDE;
            if let Ok(claim) = TcpListener::bind((Ipv4Addr::LOCALHOST, first + Self::LENGTH)) {
                return Ok(Self {
                    first,
                    _claim: claim,
                });
            }
        }
        bail!("{BLOCKS} runs of the suite have all ports")
    }

    pub fn first(&self) -> u16 {
        self.first
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_have_blocks_apart() {
        let blocks = [PortBlock::claim().unwrap(), PortBlock::claim().unwrap()];
        assert!(blocks[0].first().abs_diff(blocks[1].first()) >= STRIDE);
    }
}
