//! Random numbers that are not random, so that every run gives the same bytes.

use rand_core::{CryptoRng, Error, RngCore};
use std::collections::VecDeque;

/// Gives the bytes it was made of, in order, and panics when they run out.
///
/// The reference draws a key as 32 bytes and the auxiliary randomness of a Schnorr signature as another 32,
/// so a script of secrets is all a handshake needs.
pub struct ScriptedRng(VecDeque<u8>);

impl ScriptedRng {
    /// An RNG that gives the bytes of `parts`, one part after the other.
    pub fn new(parts: &[[u8; 32]]) -> Self {
        Self(parts.iter().flatten().copied().collect())
    }

    /// Whether everything was drawn.
    pub fn is_spent(&self) -> bool {
        self.0.is_empty()
    }
}

impl RngCore for ScriptedRng {
    fn next_u32(&mut self) -> u32 {
        rand_core::impls::next_u32_via_fill(self)
    }

    fn next_u64(&mut self) -> u64 {
        rand_core::impls::next_u64_via_fill(self)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        for byte in dest {
            *byte = self
                .0
                .pop_front()
                .expect("the reference drew more randomness than was scripted");
        }
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        self.fill_bytes(dest);
        Ok(())
    }
}

impl CryptoRng for ScriptedRng {}

/// SplitMix64: numbers for test inputs, the same for the same seed.
pub struct SplitMix(u64);

impl SplitMix {
    /// A sequence determined by `seed`.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number of the sequence.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// The next `N` bytes of the sequence.
    pub fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
        bytes
    }
}
